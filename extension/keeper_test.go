package main

import (
	"testing"
	"time"
)

func TestOpaGetsTheTimeThatTheDeadlineLeaves(t *testing.T) {
	for left, expected := range map[time.Duration]time.Duration{
		2 * time.Second:         stopWithin,
		1500 * time.Millisecond: 1100 * time.Millisecond,
		300 * time.Millisecond:  stopAtLeast,
		-time.Hour:              stopAtLeast,
	} {
		if found := patience(noon.Add(left).UnixMilli(), noon); found != expected {
			t.Errorf("%v left: %v, expected %v", left, found, expected)
		}
	}
}

func TestTheFourthDeathWithinAMinuteIsOneTooMany(t *testing.T) {
	var died deaths
	for number, second := range []int{0, 20, 40} {
		if died.tooMany(noon.Add(time.Duration(second) * time.Second)) {
			t.Errorf("death %d", number+1)
		}
	}
	if !died.tooMany(noon.Add(59 * time.Second)) {
		t.Error("four within 59 s were borne")
	}
}

func TestRareDeathsAreBorneForEver(t *testing.T) {
	var died deaths
	for number := range 100 {
		if died.tooMany(noon.Add(time.Duration(number) * 21 * time.Second)) {
			t.Fatalf("death %d", number+1)
		}
	}
}
