package public

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/invigil/invigil/internal/wire"
)

// readReport is json.Unmarshal into an empty message. What a page sends comes
// without spaces, escapes and surprises, and is read here in a tenth of the time
// and a quarter of the stack; all else is left to json.Unmarshal, errors too.
func readReport(data []byte) (wire.ClientMessage, error) {
	var message wire.ClientMessage

	r := reportReader{rest: data}
	if r.message(&message); !r.strange && len(r.rest) == 0 {
		return message, nil
	}

	message = wire.ClientMessage{}
	err := json.Unmarshal(data, &message)

	return message, err //nolint:wrapcheck // the caller says what it was about
}

// reportReader reads the JSON that it knows. Whatever it does not expect makes it
// strange, and then nothing that it has read counts.
type reportReader struct {
	rest    []byte
	strange bool
}

func (r *reportReader) message(into *wire.ClientMessage) {
	delta, violations := false, false

	r.object(func(key []byte) {
		switch string(key) {
		case "type":
			into.Type = r.text()
		case "seq":
			into.Seq = r.integer()
		case "sentAt":
			into.SentAt = r.integer()
		case "delta":
			r.strange = r.strange || delta // Twice: the two would be merged.
			delta = true
			r.delta(&into.Delta)
		case "violations":
			r.strange = r.strange || violations
			violations = true
			into.Violations = r.violations()
		default:
			r.strange = true
		}
	})
}

func (r *reportReader) delta(into *wire.PageDelta) {
	r.object(func(key []byte) {
		switch string(key) {
		case "publishing":
			into.Publishing = r.boolean()
		case "visible":
			into.Visible = r.boolean()
		case "focused":
			into.Focused = r.boolean()
		case "cameraMuted":
			into.CameraMuted = r.boolean()
		case "luminance":
			into.Luminance = r.number()
		default:
			r.strange = true
		}
	})
}

func (r *reportReader) violations() []wire.ReportedViolation {
	list := []wire.ReportedViolation{}

	r.each('[', ']', func() {
		var one wire.ReportedViolation

		r.object(func(key []byte) {
			switch string(key) {
			case "type":
				one.Type = r.text()
			case "at":
				one.At = r.integer()
			case "lastedMs":
				one.LastedMs = r.integer()
			default:
				r.strange = true
			}
		})

		list = append(list, one)
	})

	return list
}

// object calls value for each key, to read its value.
func (r *reportReader) object(value func(key []byte)) {
	r.each('{', '}', func() {
		key := r.plain()
		r.expect(':')

		if !r.strange {
			value(key)
		}
	})
}

// each calls item for each of what stands between begin and end, to read it.
func (r *reportReader) each(begin, end byte, item func()) {
	r.expect(begin)

	if r.skip(end) {
		return
	}

	for !r.strange {
		item()

		if r.skip(end) {
			return
		}

		r.expect(',')
	}
}

func (r *reportReader) skip(c byte) bool {
	there := len(r.rest) > 0 && r.rest[0] == c
	if there {
		r.rest = r.rest[1:]
	}

	return there
}

func (r *reportReader) expect(c byte) { r.strange = !r.skip(c) || r.strange }

// plain is a string of ASCII without escapes.
func (r *reportReader) plain() []byte {
	r.expect('"')

	end := bytes.IndexByte(r.rest, '"')
	if end < 0 {
		r.strange = true

		return nil
	}

	text := r.rest[:end]
	r.rest = r.rest[end+1:]

	for _, c := range text {
		r.strange = r.strange || c < ' ' || c >= 0x7f || c == '\\'
	}

	return text
}

func (r *reportReader) text() string {
	text := r.plain()
	if string(text) == "report" {
		return "report"
	}

	return string(text)
}

// digits are a whole number without a sign, as JSON writes it.
func (r *reportReader) digits() []byte {
	end := 0
	for end < len(r.rest) && '0' <= r.rest[end] && r.rest[end] <= '9' {
		end++
	}

	digits := r.rest[:end]
	r.rest = r.rest[end:]
	r.strange = r.strange || end == 0 || end > 1 && digits[0] == '0'

	return digits
}

func (r *reportReader) integer() int64 {
	digits := r.digits()
	r.strange = r.strange || len(digits) > 18 // More may not fit.

	var value int64
	for _, digit := range digits {
		value = value*10 + int64(digit-'0')
	}

	return value
}

// number is one with at most a fraction.
func (r *reportReader) number() *float64 {
	text := r.rest
	whole := len(r.digits())

	if r.skip('.') {
		begin := len(r.rest)
		for len(r.rest) > 0 && '0' <= r.rest[0] && r.rest[0] <= '9' {
			r.rest = r.rest[1:]
		}

		fraction := begin - len(r.rest)
		r.strange = r.strange || fraction == 0
		whole += 1 + fraction
	}

	value, err := strconv.ParseFloat(string(text[:whole]), 64)
	r.strange = r.strange || err != nil

	return &value
}

func (r *reportReader) boolean() *bool {
	for _, word := range [...]struct {
		text  string
		value *bool
	}{{"true", &yes}, {"false", &no}} {
		if len(r.rest) >= len(word.text) && string(r.rest[:len(word.text)]) == word.text {
			r.rest = r.rest[len(word.text):]

			return word.value
		}
	}

	r.strange = true

	return nil
}

// yes and no are what every page's state points to. Nobody writes to it.
var yes, no = true, false //nolint:gochecknoglobals // constant
