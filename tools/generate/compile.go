package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// The protos that ours import.
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

// fileSet is the compiled protos: ours, and before them all that they import.
type fileSet struct {
	all      []*descriptorpb.FileDescriptorProto
	toCreate []string
}

// compile compiles every proto below root, comments included.
func compile(ctx context.Context, root string) (fileSet, error) {
	names, err := protosBelow(root)
	if err != nil {
		return fileSet{}, err
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{root}},
			protocompile.ResolverFunc(registered),
		},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return fileSet{}, err
	}
	set := fileSet{toCreate: names}
	seen := map[string]bool{}
	for _, f := range files {
		set.add(f, seen)
	}
	return set, nil
}

// add appends what f imports, then f: the order that plugins ask for.
func (s *fileSet) add(f protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[f.Path()] {
		return
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		s.add(f.Imports().Get(i).FileDescriptor, seen)
	}
	s.all = append(s.all, protodesc.ToFileDescriptorProto(f))
}

func protosBelow(root string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".proto") {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no proto below %s", root)
	}
	return names, err
}

// registered finds a proto by the descriptor that its Go package registers.
func registered(name string) (protocompile.SearchResult, error) {
	f, err := protoregistry.GlobalFiles.FindFileByPath(name)
	if err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Desc: f}, nil
}
