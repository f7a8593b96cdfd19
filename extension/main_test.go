package main

import (
	"reflect"
	"strings"
	"testing"
)

func from(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettingsHaveTheirDefaults(t *testing.T) {
	found, err := readSettings("/opt/extensions/opalite-opa", from(map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}))
	expected := settings{
		api: "127.0.0.1:9001", name: "opalite-opa", opa: "/opt/opalite/opa", bundle: "/opt/opalite/bundle.tar.gz",
		socket: "/tmp/opalite/opa.sock", environ: []string{"HOME=/tmp", "TMPDIR=/tmp", "GOGC=400"},
	}
	if err != nil || !reflect.DeepEqual(found, expected) {
		t.Errorf("%+v %v", found, err)
	}
}

func TestNothingButGoSettingsReachesTheEnvironmentOfOpa(t *testing.T) {
	found := opaEnvironment(from(map[string]string{
		"AWS_SECRET_ACCESS_KEY": "secret", "HTTP_PROXY": "http://proxy", "HOME": "/root", "OPA_LOG_LEVEL": "debug",
		"OPALITE_LAYER": "/x", "GOGC": "50", "GOMEMLIMIT": "100MiB", "GODEBUG": "http2debug=2",
	}))
	expected := []string{"HOME=/tmp", "TMPDIR=/tmp", "GOGC=50", "GOMEMLIMIT=100MiB"}
	if !reflect.DeepEqual(found, expected) {
		t.Errorf("%v", found)
	}
}

func TestSettingsThatCannotBeUsedAreNamed(t *testing.T) {
	for word, values := range map[string]map[string]string{
		"AWS_LAMBDA_RUNTIME_API is not set": {},
		"absolute paths":                    {"AWS_LAMBDA_RUNTIME_API": "a", "OPALITE_OPA_SOCKET": "opa.sock"},
		"longer than 107 bytes":             {"AWS_LAMBDA_RUNTIME_API": "a", "OPALITE_OPA_SOCKET": "/" + strings.Repeat("x", 107)},
	} {
		if _, err := readSettings("x", from(values)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
