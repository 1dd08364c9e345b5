package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// files is Quire's FileService.
type files struct {
	quirev1.UnimplementedFileServiceServer
	service *service.Service
}

func (f *files) List(ctx context.Context, req *quirev1.ListFilesRequest) (*quirev1.ListFilesResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := f.service.ListFiles(ctx, quire.ProjectID(req.GetProjectId()), req.GetPrefix(), page)
	if err != nil {
		return nil, err
	}
	return &quirev1.ListFilesResponse{Files: mapped(found, fileProto), NextPageToken: next}, nil
}

func (f *files) Put(stream grpc.ClientStreamingServer[quirev1.PutFileRequest, quirev1.File]) error {
	first, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	project, path := first.GetProjectId(), first.GetPath()
	content := &chunkReader{
		rest: first.GetContent().GetData(),
		next: func() ([]byte, error) {
			message, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			if message.GetPath() != "" || message.GetProjectId() != "" {
				return nil, quire.Invalid("path", "must be in the first message only, like project_id")
			}
			return message.GetContent().GetData(), nil
		},
	}
	file, err := f.service.PutFile(stream.Context(), quire.ProjectID(project), path, content)
	if err != nil {
		return content.or(err)
	}
	return stream.SendAndClose(fileProto(file))
}

// Get sends with the first piece what is known of the file.
func (f *files) Get(req *quirev1.GetFileRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	content, file, err := f.service.OpenFile(stream.Context(), quire.ProjectID(req.GetProjectId()), req.GetPath())
	if err != nil {
		return err
	}
	defer content.Close()
	about, err := anypb.New(fileProto(file))
	if err != nil {
		return fmt.Errorf("encode file: %w", err)
	}
	if err := stream.Send(&httpbody.HttpBody{Extensions: []*anypb.Any{about}}); err != nil {
		return err
	}
	// A notebook may write on while we read: what was announced is sent.
	return sendChunks(io.LimitReader(content, file.Size), func(piece []byte) error {
		return stream.Send(&httpbody.HttpBody{Data: piece})
	})
}

func (f *files) Delete(ctx context.Context, req *quirev1.DeleteFileRequest) (*emptypb.Empty, error) {
	err := f.service.DeleteFile(ctx, quire.ProjectID(req.GetProjectId()), req.GetPath())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

func fileProto(f quire.File) *quirev1.File {
	return &quirev1.File{Path: f.Path, Size: f.Size, ModifiedAt: timeProto(f.ModifiedAt)}
}
