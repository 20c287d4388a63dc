package selection

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a piece of a text.
type token struct {
	kind   tokenKind
	text   string // as it is written
	offset int    // where it begins, in bytes
	term   *term  // of a tokenTerm
}

type tokenKind uint8

const (
	tokenEnd   tokenKind = iota
	tokenTerm            // a name, a pattern, or field:value
	tokenWord            // and, or, not
	tokenCount           // digits
	tokenPlus
	tokenOpen
	tokenClose
)

// String names the token, for messages.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenTerm, tokenWord, tokenCount:
		return strconv.Quote(t.text)
	default:
		return "'" + t.text + "'"
	}
}

// lexer cuts a text into tokens.
type lexer struct {
	text string
	at   int
}

// next returns the next token, or the error of a piece that is none.
func (l *lexer) next() (token, *SyntaxError) {
	l.skip(unicode.IsSpace)
	begin := l.at
	made := func(kind tokenKind) (token, *SyntaxError) {
		return token{kind: kind, text: l.text[begin:l.at], offset: begin}, nil
	}
	r, width := utf8.DecodeRuneInString(l.text[l.at:])
	switch {
	case width == 0:
		return made(tokenEnd)
	case r == '+':
		l.at += width
		return made(tokenPlus)
	case r == '(':
		l.at += width
		return made(tokenOpen)
	case r == ')':
		l.at += width
		return made(tokenClose)
	case r >= '0' && r <= '9':
		l.skip(func(r rune) bool { return r >= '0' && r <= '9' })
		return made(tokenCount)
	case isFirstRune(r) || isWildcard(r):
		return l.word(begin)
	default:
		return token{}, l.fault(begin, l.at+width, "a name, a pattern, group:, tag:, kind:, owner:, '+' or '('")
	}
}

// word reads what begins with a letter: a keyword, a name, a pattern or a field.
func (l *lexer) word(begin int) (token, *SyntaxError) {
	l.skip(func(r rune) bool { return isNameRune(r) || isWildcard(r) })
	word := l.text[begin:l.at]
	t := token{kind: tokenTerm, text: word, offset: begin}
	if strings.HasPrefix(l.text[l.at:], ":") {
		return l.fieldTerm(begin, word)
	}
	switch word {
	case "and", "or", "not":
		t.kind = tokenWord
		return t, nil
	}
	t.term = &term{pattern: word, glob: strings.ContainsFunc(word, isWildcard)}
	return t, nil
}

// fieldTerm reads what follows the colon of group:, tag:, kind: or owner:.
func (l *lexer) fieldTerm(begin int, word string) (token, *SyntaxError) {
	if !slices.Contains(fields(), word) {
		return token{}, l.fault(begin, l.at+1, "group:, tag:, kind: or owner:"+suggestion(word, fields()))
	}
	l.at++ // the colon
	t := &term{field: field(word)}
	var fault *SyntaxError
	if t.field == byTag {
		from := l.at
		var glob bool
		if t.key, glob, fault = l.value(isKeyRune, "the key of a tag"); fault != nil {
			return token{}, fault
		}
		if glob {
			return token{}, l.fault(from, l.at, `the key of one tag, without * and ? (or in quotes, where they mean themselves)`)
		}
		if t.anyTag = !strings.HasPrefix(l.text[l.at:], "="); t.anyTag {
			return token{kind: tokenTerm, text: l.text[begin:l.at], offset: begin, term: t}, nil
		}
		l.at++ // the equals sign
	}
	if t.pattern, t.glob, fault = l.value(isValueRune, "the value of "+word); fault != nil {
		return token{}, fault
	}
	return token{kind: tokenTerm, text: l.text[begin:l.at], offset: begin, term: t}, nil
}

// value reads a bare or quoted value. Wildcards count in a bare one only.
func (l *lexer) value(bare func(rune) bool, what string) (value string, glob bool, fault *SyntaxError) {
	begin := l.at
	if strings.HasPrefix(l.text[begin:], `"`) {
		quoted, err := strconv.QuotedPrefix(l.text[begin:])
		if err != nil {
			return "", false, l.fault(begin, len(l.text), "a closing quote after "+what)
		}
		l.at += len(quoted)
		value, _ = strconv.Unquote(quoted) // QuotedPrefix has checked it
		return value, false, nil
	}
	l.skip(bare)
	value = l.text[begin:l.at]
	if value == "" {
		end := begin
		if _, width := utf8.DecodeRuneInString(l.text[begin:]); width > 0 {
			end += width
		}
		return "", false, l.fault(begin, end, what+`, in quotes if it is empty or has spaces`)
	}
	return value, strings.ContainsFunc(value, isWildcard), nil
}

// skip goes over the letters that fit.
func (l *lexer) skip(fits func(rune) bool) {
	rest := l.text[l.at:]
	if end := strings.IndexFunc(rest, func(r rune) bool { return !fits(r) }); end >= 0 {
		rest = rest[:end]
	}
	l.at += len(rest)
}

// fault is the error of the piece between two offsets.
func (l *lexer) fault(begin, end int, expected string) *SyntaxError {
	found := "the end"
	if begin < end {
		found = strconv.Quote(l.text[begin:end])
	}
	return &SyntaxError{Text: l.text, Offset: begin, Found: found, Expected: expected}
}

// isFirstRune reports whether a name may begin with the letter.
func isFirstRune(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// isNameRune reports whether a name may contain the letter.
func isNameRune(r rune) bool {
	return isFirstRune(r) || unicode.IsDigit(r) || r == '-' || r == '.'
}

// isWildcard reports whether the letter stands for others in a pattern.
func isWildcard(r rune) bool { return r == '*' || r == '?' }

// isValueRune reports whether a value may contain the letter without quotes.
func isValueRune(r rune) bool {
	return r != utf8.RuneError && !strings.ContainsRune(`()+"\`, r) && unicode.IsGraphic(r) && !unicode.IsSpace(r)
}

// isKeyRune reports whether the key of a tag may contain the letter without quotes.
func isKeyRune(r rune) bool { return r != '=' && isValueRune(r) }
