package cli

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
)

// screen is a terminal as far as the live view needs one: it knows line breaks, going up, and
// erasing to the end.
type screen struct{ lines []string }

func (s *screen) Write(p []byte) (int, error) {
	text := string(p)
	for text != "" {
		if up, rest, ok := cutUp(text); ok {
			s.lines = s.lines[:len(s.lines)-up]
			text = rest
			continue
		}
		line, rest, _ := strings.Cut(text, "\n")
		s.lines = append(s.lines, line)
		text = rest
	}
	return len(p), nil
}

// cutUp reads "up n lines, erase to the end".
func cutUp(text string) (n int, rest string, ok bool) {
	body, ok := strings.CutPrefix(text, "\x1b[")
	if !ok {
		return 0, text, false
	}
	count, rest, ok := strings.Cut(body, "A\x1b[J")
	for _, digit := range count {
		n = n*10 + int(digit-'0')
	}
	return n, rest, ok
}

func (s *screen) text() string { return strings.Join(s.lines, "\n") }

func TestLiveView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &screen{}
		release := make(chan struct{})
		wait := func(name string) rivers.Asset {
			return rivers.NewAsset(rivers.AssetSpec{Name: name}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
				<-release
				return 1, nil
			})
		}
		bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad"},
			func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("no disk") })
		a := &app{out: out, width: func() int { return 60 }, noColor: true, storage: "memory:"}
		a.repo = rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{bad, wait("slow"), wait("slower")}})
		if err := a.resolve(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop := a.watchLive(false)
		ended := make(chan error)
		go func() {
			_, err := a.repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"bad", "slow"}})
			ended <- err
		}()
		time.Sleep(1550 * time.Millisecond) // fake time
		synctest.Wait()
		want := "failed     bad: no disk\n" +
			"███████████████████░░░░░░░░░░░░░░░░░░░░ 1/2, 1 failed  1.5s\n" +
			"  slow                                           1.5s"
		if got := out.text(); got != want {
			t.Errorf("the screen shows\n%s\nwant\n%s", got, want)
		}
		close(release)
		if err := <-ended; err == nil {
			t.Error("the run has no error")
		}
		stop()
		if got := out.text(); got != "failed     bad: no disk" {
			t.Errorf("at the end the screen shows\n%s", got)
		}
		if err := errors.Join(a.repo.Close(), a.close()); err != nil {
			t.Error(err)
		}
	})
}
