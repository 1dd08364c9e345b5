package quiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Notebook returns a Python notebook with these code cells, named cell-0,
// cell-1 and so on.
func Notebook(t testing.TB, sources ...string) []byte {
	t.Helper()
	type object = map[string]any
	cells := make([]object, len(sources))
	for i, source := range sources {
		cells[i] = object{
			"cell_type": "code", "id": fmt.Sprintf("cell-%d", i), "metadata": object{},
			"execution_count": nil, "outputs": []any{}, "source": source,
		}
	}
	b, err := json.Marshal(object{
		"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": object{"kernelspec": object{"name": "python3", "display_name": "Python 3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// PutFile writes a file into a project. client may be nil: the default one.
func (s *Server) PutFile(t testing.TB, client *http.Client, project, path string, content []byte) {
	t.Helper()
	if client == nil {
		client = http.DefaultClient
	}
	url := s.URL("/quire/v1/projects/" + project + "/files/" + path)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is lost
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		t.Fatalf("put %s: %s: %s", path, resp.Status, body)
	}
}
