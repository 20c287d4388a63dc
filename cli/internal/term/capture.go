package term

import (
	"bufio"
	"io"
	"log" //nolint:depguard // not to log: its default logger keeps the stderr that it was made with
	"os"
	"time"

	"golang.org/x/term"
)

// capture passes each line that the process prints to line, until release is called. Without it, a
// fmt.Println in an asset would tear the live view. It does nothing unless out is os.Stdout and a
// terminal.
func capture(out io.Writer, line func(string)) (release func()) {
	if out != os.Stdout || !term.IsTerminal(int(os.Stdout.Fd())) {
		return func() {}
	}
	return redirect(term.IsTerminal(int(os.Stderr.Fd())), line)
}

// redirect passes each line written to os.Stdout, and to os.Stderr if stderrToo, to line, until
// release is called.
func redirect(stderrToo bool, line func(string)) (release func()) {
	read, write, err := os.Pipe()
	if err != nil {
		return func() {} // the view may be torn, but no output is lost
	}
	stdout, stderr, logs := os.Stdout, os.Stderr, log.Writer()
	os.Stdout = write
	if stderrToo {
		os.Stderr = write
		if logs == stderr {
			log.SetOutput(write)
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer read.Close() //nolint:errcheck // reading has ended
		lines := bufio.NewReader(read)
		for {
			text, err := lines.ReadString('\n')
			if text != "" {
				line(trimNewline(text))
			}
			if err != nil {
				return
			}
		}
	}()
	return func() {
		os.Stdout, os.Stderr = stdout, stderr
		if logs == stderr {
			log.SetOutput(logs)
		}
		_ = write.Close() // the reader ends here
		select {
		case <-drained:
		case <-time.After(time.Second): // a child process still holds the pipe; its lines follow the summary
		}
	}
}

func trimNewline(text string) string {
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
		text = text[:len(text)-1]
	}
	return text
}
