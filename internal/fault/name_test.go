package fault

import "testing"

func TestSnakeCase(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Users": "users", "RawOrders": "raw_orders", "UserID": "user_id", "HTTPClient": "http_client",
		"S3Path": "s3_path", "DB": "db", "A": "a", "ABc": "a_bc", "HTTP2Server": "http2_server", "Orders2024": "orders2024",
		"Raw_Orders": "raw_orders", "IDs": "i_ds", "MyURLPath": "my_url_path", "ÜberGröße": "über_größe", "X1Y2": "x1_y2",
	} {
		if got := SnakeCase(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestNameMistake(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"users": "", "_x": "", "a-b.c_2": "", "Ändern": "",
		"":     "the name is empty: give one of letters, digits, _, - and ., beginning with a letter or _",
		"and":  `the name "and" is a word of the selection language: choose another, such as "and_"`,
		"2x":   `the name "2x" begins with '2': begin with a letter or _`,
		"-x":   `the name "-x" begins with '-': begin with a letter or _`,
		"a b":  `the name "a b" has a ' ': use letters, digits, _, - and . only`,
		"a/b":  `the name "a/b" has a '/': use letters, digits, _, - and . only`,
		"a[0]": `the name "a[0]" has a '[': use letters, digits, _, - and . only`,
	} {
		if got := NameMistake(name); got != want {
			t.Errorf("%q: %s\nwant %s", name, got, want)
		}
	}
}
