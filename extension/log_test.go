package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func decoded(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatalf("%q is no JSON: %v", line, err)
	}
	return fields
}

func TestALineOfOpaIsRelabelledOrWrapped(t *testing.T) {
	for line, expected := range map[string]string{
		`{"level":"error","msg":"no <b>","time":"2026-11-29T11:59:58Z","n":12345678901234567890}`: `{"level":"ERROR","logger":"opa","message":"no <b>","n":12345678901234567890,"service":"opalite-opa","timestamp":"2026-11-29T11:59:58Z"}`,
		`{"msg":"who says when","time":"noon","service":"another","logger":"x"}`:                  `{"level":"","logger":"opa","message":"who says when","service":"opalite-opa","timestamp":"2026-11-29T12:00:00.000Z"}`,
		`error: no such bundle`:   `{"level":"ERROR","logger":"opa","message":"error: no such bundle","service":"opalite-opa","timestamp":"2026-11-29T12:00:00.000Z"}`,
		`["not","an","object"]`:   `{"level":"ERROR","logger":"opa","message":"[\"not\",\"an\",\"object\"]","service":"opalite-opa","timestamp":"2026-11-29T12:00:00.000Z"}`,
		`{"msg":"a"} {"msg":"b"}`: `{"level":"ERROR","logger":"opa","message":"{\"msg\":\"a\"} {\"msg\":\"b\"}","service":"opalite-opa","timestamp":"2026-11-29T12:00:00.000Z"}`,
		`null`:                    `{"level":"ERROR","logger":"opa","message":"null","service":"opalite-opa","timestamp":"2026-11-29T12:00:00.000Z"}`,
	} {
		if found := string(encode(relabel([]byte(line)), noon)); found != expected+"\n" {
			t.Errorf("%s\n  gave     %s  expected %s", line, found, expected)
		}
	}
}

func TestALongLineIsCutWithinACharacterNever(t *testing.T) {
	for name, line := range map[string]string{
		"text":         strings.Repeat("ä", 5000),
		"escapes":      strings.Repeat("\"\x01", 5000),
		"JSON":         `{"level":"error","msg":"` + strings.Repeat("x", 9000) + `","more":1}`,
		"other fields": `{"level":"error","msg":"short","more":"` + strings.Repeat("x", 9000) + `"}`,
		"level":        `{"level":"` + strings.Repeat("x", 9000) + `","msg":"short"}`,
	} {
		short := encode(relabel([]byte(line)), noon)
		fields := decoded(t, short)
		if len(short) > longestLine || fields["cut"] != true || strings.Contains(string(short), "�") {
			t.Errorf("%s: %d bytes: %s", name, len(short), short)
		}
		if text := fields["message"].(string); name == "text" && len(text) < longestLine/2 {
			t.Errorf("only %d bytes were kept", len(text))
		}
	}
}

func TestEveryLineIsTakenOnceAndALongOneOnlyAtItsBeginning(t *testing.T) {
	long := strings.Repeat("x", 3*longestRead)
	var found []string
	eachLine(strings.NewReader("a\n\n  b \r\n"+long+"\nc"), func(line []byte) { found = append(found, string(line)) })
	expected := []string{"a", "b", long[:longestRead], "c"}
	if strings.Join(found, "|") != strings.Join(expected, "|") {
		t.Errorf("%d lines", len(found))
	}
}

// stuck is an output that takes nothing until it is told.
type stuck struct {
	free chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(line []byte) (int, error) {
	<-s.free
	return s.Buffer.Write(line)
}

func TestASlowReaderOfTheLogHoldsNobodyUpAndLearnsWhatItMissed(t *testing.T) {
	out := &stuck{free: make(chan struct{})}
	log := newLogger(out)
	for range 3 * waitingMost {
		log.opa(relabel([]byte("line")))
	}
	close(out.free)
	log.close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	kept, missed := 0, 0.0
	for _, line := range lines {
		fields := decoded(t, []byte(line))
		if fields["logger"] == "opa" {
			kept++
		} else {
			missed += fields["lines"].(float64)
		}
	}
	if kept+int(missed) != 3*waitingMost || kept < waitingMost {
		t.Errorf("%d kept, %v missed", kept, missed)
	}
}

func TestAReaderWhoNeverReadsDoesNotKeepTheExtension(t *testing.T) {
	log := newLogger(&stuck{free: make(chan struct{})})
	log.say("INFO", "nobody hears this")
	begun := time.Now()
	log.close()
	log.say("INFO", "nor this, after the end")
	if spent := time.Since(begun); spent > 5*lastWords {
		t.Errorf("%v", spent)
	}
}
