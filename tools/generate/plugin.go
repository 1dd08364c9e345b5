package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugin is a protoc plugin: a tool of this module's go.mod and its parameter.
type plugin struct{ tool, parameter string }

// run returns the files that the plugin makes, by name.
func (p plugin) run(ctx context.Context, files fileSet) (map[string]string, error) {
	out, err := p.generate(ctx, files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.tool, err)
	}
	return out, nil
}

func (p plugin) generate(ctx context.Context, files fileSet) (map[string]string, error) {
	request, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: files.toCreate,
		Parameter:      new(p.parameter),
		ProtoFile:      files.all,
	})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", p.tool)
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	reply, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(reply, &response); err != nil {
		return nil, err
	}
	if response.GetError() != "" {
		return nil, errors.New(response.GetError())
	}
	out := map[string]string{}
	for _, f := range response.GetFile() {
		out[f.GetName()] = f.GetContent()
	}
	return out, nil
}
