package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	service     = "opalite-opa"
	longestLine = 4096     // one write to a pipe of at most this is never mixed with another
	longestRead = 64 << 10 // of a line of OPA; the rest of a longer one is passed over
	waitingMost = 256      // lines; whatever comes while so many wait is counted, not kept
	lastWords   = time.Second / 5
)

// logger writes lines of JSON. Putting one never waits: a slow reader of our output must not hold up OPA.
type logger struct {
	lines   chan []byte
	ending  chan struct{}
	done    chan struct{}
	dropped atomic.Int64
	out     io.Writer
}

func newLogger(out io.Writer) *logger {
	log := &logger{
		lines: make(chan []byte, waitingMost), ending: make(chan struct{}), done: make(chan struct{}), out: out,
	}
	go log.run()
	return log
}

// say is for what the extension itself has to tell.
func (l *logger) say(level, message string) {
	l.put(encode(map[string]any{"logger": "extension", "level": level, "message": message}, time.Now()))
}

// opa is for a line of OPA, as relabel has it.
func (l *logger) opa(fields map[string]any) {
	l.put(encode(fields, time.Now()))
}

func (l *logger) put(line []byte) {
	select {
	case l.lines <- line:
	default:
		l.dropped.Add(1)
	}
}

func (l *logger) run() {
	defer close(l.done)
	for {
		select {
		case line := <-l.lines:
			l.write(line)
		case <-l.ending:
			for len(l.lines) > 0 {
				l.write(<-l.lines)
			}
			return
		}
	}
}

func (l *logger) write(line []byte) {
	_, _ = l.out.Write(line) // if nobody takes it there is nobody to tell
	if count := l.dropped.Swap(0); count > 0 {
		fields := map[string]any{
			"logger": "extension", "level": "WARNING", "lines": count,
			"message": "lines of OPA were left out: it wrote faster than they could be taken",
		}
		_, _ = l.out.Write(encode(fields, time.Now()))
	}
}

// close waits a moment until all that has been put is written; what comes later is lost.
func (l *logger) close() {
	close(l.ending)
	select {
	case <-l.done:
	case <-time.After(lastWords):
	}
}

// relabel makes fields of our log of a line of OPA: its JSON with our names, any other text as a message.
func relabel(line []byte) map[string]any {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if decoder.Decode(&fields) != nil || fields == nil || decoder.More() {
		// With log level error OPA writes no other text but why it ends.
		return map[string]any{"logger": "opa", "level": "ERROR", "message": string(line)}
	}
	for its, ours := range map[string]string{"msg": "message", "time": "timestamp"} {
		if value, isThere := fields[its]; isThere {
			fields[ours] = value
			delete(fields, its)
		}
	}
	level, _ := fields["level"].(string)
	fields["level"], fields["logger"] = strings.ToUpper(level), "opa"
	return fields
}

// encode is a line of at most longestLine bytes. Of a longer one the message alone stays, shortened.
func encode(fields map[string]any, now time.Time) []byte {
	fields["service"] = service
	if stamp, isText := fields["timestamp"].(string); !isText || !isTime(stamp) {
		fields["timestamp"] = now.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	line := marshal(fields)
	if len(line) <= longestLine {
		return line
	}
	message, _ := fields["message"].(string)
	level, _ := fields["level"].(string)
	short := map[string]any{"service": service, "timestamp": fields["timestamp"], "logger": fields["logger"], "cut": true}
	short["level"] = oneLine(level, 10)
	for most := longestLine - 200; ; most /= 2 {
		short["message"] = cut(message, most)
		if line = marshal(short); len(line) <= longestLine {
			return line
		}
	}
}

func marshal(fields map[string]any) []byte {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(fields) // maps of strings, numbers and what was JSON before: nothing that cannot be encoded
	return line.Bytes()
}

// eachLine calls `take` for every line that is not empty, until the other end is closed.
func eachLine(from io.Reader, take func([]byte)) {
	reader := bufio.NewReaderSize(from, longestRead)
	rest := false // of a line whose beginning has been taken
	for {
		line, more, err := reader.ReadLine()
		if err != nil {
			return
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && !rest {
			take(bytes.Clone(line))
		}
		rest = more
	}
}

func oneLine(text string, most int) string {
	return cut(strings.Join(strings.Fields(text), " "), most)
}

// cut shortens to at most `most` bytes, never within a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}
