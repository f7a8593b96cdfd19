package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
const (
	apiVersion    = "2020-01-01"
	callTime      = 5 * time.Second // it answers within the same machine; event/next alone may take for ever
	longestAnswer = 64 << 10
)

// client speaks the Extensions API. No proxy and no redirect: no request of ours leaves the sandbox.
type client struct {
	base string
	http *http.Client
	id   string
}

// event is what event/next answers, as far as it concerns us.
type event struct {
	Type     string `json:"eventType"`
	Reason   string `json:"shutdownReason"`
	Deadline int64  `json:"deadlineMs"`
}

func newClient(api string) *client {
	return &client{
		base: "http://" + api + "/" + apiVersion + "/extension/",
		http: &http.Client{
			Transport:     &http.Transport{Proxy: nil, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// register subscribes to SHUTDOWN alone: an event for each invocation would cost each of them a call.
func (c *client) register(name string) error {
	headers := map[string]string{"Lambda-Extension-Name": name}
	answer, _, err := c.call(http.MethodPost, "register", headers, []byte(`{"events":["SHUTDOWN"]}`), callTime)
	if err != nil {
		return err
	}
	c.id = answer.Get("Lambda-Extension-Identifier")
	if c.id == "" {
		return fmt.Errorf("register: the answer has no Lambda-Extension-Identifier")
	}
	return nil
}

// next says that we are ready, and waits for the next event.
func (c *client) next() (event, error) {
	_, body, err := c.call(http.MethodGet, "event/next", nil, nil, 0)
	if err != nil {
		return event{}, err
	}
	var told event
	if err := json.Unmarshal(body, &told); err != nil {
		return event{}, fmt.Errorf("event/next: the answer is not the JSON of an event")
	}
	return told, nil
}

// report tells Lambda that we give up; `phase` is init or exit.
func (c *client) report(phase string, why *fault) error {
	body, err := json.Marshal(map[string]any{
		"errorMessage": why.message, "errorType": why.kind, "stackTrace": []string{},
	})
	if err != nil {
		return err
	}
	headers := map[string]string{"Lambda-Extension-Function-Error-Type": why.kind}
	_, _, err = c.call(http.MethodPost, phase+"/error", headers, body, callTime)
	return err
}

func (c *client) call(
	method, path string, headers map[string]string, body []byte, limit time.Duration,
) (http.Header, []byte, error) {
	ctx := context.Background()
	if limit > 0 {
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ctx = bounded
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.id != "" {
		request.Header.Set("Lambda-Extension-Identifier", c.id)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("%s: status %d: %s", path, response.StatusCode, oneLine(string(answer), 200))
	}
	return response.Header, answer, nil
}
