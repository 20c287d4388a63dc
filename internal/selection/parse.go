package selection

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/rivers-go/rivers/internal/nearest"
)

// SyntaxError is a text that is no selection.
type SyntaxError struct {
	Text     string // the whole text
	Offset   int    // where it went wrong, in bytes from its beginning: where a caret belongs
	Found    string // what stands there
	Expected string // what would be right
}

// Error names what was found, at which letter (from 1), and what was expected.
func (e *SyntaxError) Error() string {
	letter := utf8.RuneCountInString(e.Text[:e.Offset]) + 1
	return fmt.Sprintf("selection %q: at letter %d: found %s, expected %s", e.Text, letter, e.Found, e.Expected)
}

// deepest is how deep a text may be nested: people write a handful, and the stack
// of a server that parses what it was sent has an end.
const deepest = 200

// Parse reads one text. Its errors are of type *[SyntaxError].
func Parse(text string) (Expr, error) {
	p := parser{lexer: lexer{text: text}}
	root := p.whole()
	if p.fault != nil {
		return Expr{}, p.fault
	}
	return Expr{root: root}, nil
}

// parser reads by recursive descent. After the first fault it sees only the end,
// so that its methods need no error of their own.
type parser struct {
	lexer lexer
	token token // the one that is looked at
	depth int
	fault *SyntaxError
}

func (p *parser) advance() {
	t, fault := p.lexer.next()
	if fault != nil {
		p.fail(fault)
		return
	}
	p.token = t
}

// fail keeps the first fault and ends the text.
func (p *parser) fail(fault *SyntaxError) {
	if p.fault == nil {
		p.fault = fault
	}
	p.token = token{kind: tokenEnd, offset: len(p.lexer.text)}
	p.lexer.at = len(p.lexer.text)
}

// unexpected fails at the present token.
func (p *parser) unexpected(expected string) {
	p.fail(&SyntaxError{Text: p.lexer.text, Offset: p.token.offset, Found: p.token.String(), Expected: expected})
}

// word reports whether the present token is that word.
func (p *parser) word(w string) bool { return p.token.kind == tokenWord && p.token.text == w }

// whole reads the whole text.
func (p *parser) whole() node {
	p.advance()
	n := p.or()
	if p.token.kind != tokenEnd {
		p.unexpected(`"and", "or" or the end`)
	}
	return n
}

func (p *parser) or() node {
	xs := []node{p.and()}
	for p.word("or") {
		p.advance()
		xs = append(xs, p.and())
	}
	return union(xs)
}

func (p *parser) and() node {
	xs := []node{p.not()}
	for p.word("and") {
		p.advance()
		xs = append(xs, p.not())
	}
	return intersection(xs)
}

func (p *parser) not() node {
	if !p.word("not") {
		return p.layers()
	}
	if !p.deeper() {
		return nil
	}
	defer p.shallower()
	p.advance()
	return &negation{p.not()}
}

// layers reads [N]+x+[N].
func (p *parser) layers() node {
	var up, down int
	if p.token.kind == tokenCount {
		up = p.count()
		if p.token.kind != tokenPlus {
			p.unexpected("'+' after a number of layers (a name begins with a letter or _)")
			return nil
		}
		p.advance()
	} else if p.token.kind == tokenPlus {
		up = all
		p.advance()
	}
	x := p.primary()
	if p.token.kind == tokenPlus {
		down = all
		p.advance()
		if p.token.kind == tokenCount {
			down = p.count()
		}
	}
	if up == 0 && down == 0 {
		return x
	}
	return &layers{up: up, down: down, x: x}
}

// count reads a number of layers.
func (p *parser) count() int {
	n, err := strconv.Atoi(p.token.text)
	if err != nil {
		p.unexpected("a number of layers that is no longer than a graph (write + without a number for all)")
		return 0
	}
	p.advance()
	return n
}

func (p *parser) primary() node {
	switch p.token.kind {
	case tokenTerm:
		t := p.token.term
		p.advance()
		return t
	case tokenOpen:
		if !p.deeper() {
			return nil
		}
		defer p.shallower()
		p.advance()
		n := p.or()
		if p.token.kind != tokenClose {
			p.unexpected(`"and", "or" or ')'`)
			return nil
		}
		p.advance()
		return n
	default:
		p.unexpected("a name, a pattern, group:, tag:, kind:, owner: or '('")
		return nil
	}
}

func (p *parser) deeper() bool {
	if p.depth++; p.depth > deepest {
		p.unexpected("at most " + strconv.Itoa(deepest) + " levels")
		return false
	}
	return true
}

func (p *parser) shallower() { p.depth-- }

// suggestion is the question that ends a message about a misspelt word, if there
// is a word it could have been.
func suggestion(want string, have []string) string {
	if near, ok := nearest.Name(want, slices.Values(have)); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}
