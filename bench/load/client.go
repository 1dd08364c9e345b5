package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// client calls a server over connections of its own.
type client struct {
	http    http.Client
	base    string
	token   string
	project string
}

func newClient(s *server, connections int) *client {
	return &client{
		http: http.Client{Transport: &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}},
		base: "http://" + s.address, token: s.token,
	}
}

// call sends a request and decodes the answer into answer, which may be nil or
// a *[]byte for what it is.
func (c *client) call(ctx context.Context, method, path string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, content)
	}
	if raw, ok := answer.(*[]byte); ok {
		*raw = content
		return nil
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// operation is an operation as far as it matters here.
type operation struct {
	ID       string          `json:"id"`
	Done     bool            `json:"done"`
	Error    json.RawMessage `json:"error"`
	Metadata struct {
		ProjectID string `json:"projectId"`
	} `json:"metadata"`
	Response struct {
		Status string `json:"executionStatus"`
	} `json:"response"`
}

// makeProject makes the project that everything runs in, with notebooks of one
// cell each.
func (c *client) makeProject(ctx context.Context, notebooks map[string]string) error {
	var made operation
	if err := c.call(ctx, http.MethodPost, "/datasphere/v2/projects", []byte(`{"communityId": "default", "name": "load"}`), &made); err != nil {
		return err
	}
	c.project = made.Metadata.ProjectID
	for name, source := range notebooks {
		notebook, err := json.Marshal(map[string]any{
			"nbformat": 4, "nbformat_minor": 5,
			"metadata": map[string]any{"kernelspec": map[string]any{"name": "load", "display_name": "Load"}},
			"cells": []any{map[string]any{
				"cell_type": "code", "id": "c", "metadata": map[string]any{}, "execution_count": nil, "outputs": []any{}, "source": source,
			}},
		})
		if err != nil {
			return err
		}
		if err := c.call(ctx, http.MethodPut, "/quire/v1/projects/"+c.project+"/files/"+name, notebook, nil); err != nil {
			return err
		}
	}
	return nil
}

// submit queues an execution, and returns how long the answer took.
func (c *client) submit(ctx context.Context, notebook string) (id string, took time.Duration, err error) {
	body, err := json.Marshal(map[string]string{"notebookId": notebook})
	if err != nil {
		return "", 0, err
	}
	var op operation
	begin := time.Now()
	err = c.call(ctx, http.MethodPost, "/datasphere/v2/projects/"+c.project+":execute", body, &op)
	return op.ID, time.Since(begin), err
}

func (c *client) operation(ctx context.Context, id string) (operation, error) {
	var op operation
	err := c.call(ctx, http.MethodGet, "/operations/"+url.PathEscape(id), nil, &op)
	return op, err
}

// executions returns the states of the project's executions, each as often as
// it is listed.
func (c *client) executions(ctx context.Context) (map[string][]string, error) {
	states := map[string][]string{}
	for token := ""; ; {
		var page struct {
			Executions []struct {
				ID    string `json:"id"`
				State string `json:"state"`
			} `json:"executions"`
			Next string `json:"nextPageToken"`
		}
		path := "/quire/v1/projects/" + c.project + "/executions?pageSize=1000&pageToken=" + url.QueryEscape(token)
		if err := c.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			states[e.ID] = append(states[e.ID], e.State)
		}
		if token = page.Next; token == "" {
			return states, nil
		}
	}
}
