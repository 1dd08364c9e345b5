package grpcapi

import (
	"errors"
	"io"

	datasphere1 "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	"google.golang.org/grpc"

	"quire"
	"quire/internal/service"
)

// projectData is DataSphere's ProjectDataService of v1, by which its clients
// move files.
type projectData struct {
	datasphere1.UnimplementedProjectDataServiceServer
	service *service.Service
}

func (p *projectData) UploadFile(stream grpc.ClientStreamingServer[datasphere1.UploadFileRequest, datasphere1.UploadFileResponse]) error {
	first, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	about := first.GetMetadata()
	if about == nil {
		return quire.Invalid("metadata", "is missing: the first message must name the project and the file")
	}
	content := &chunkReader{next: uploadedChunks(stream, about.GetSizeBytes())}
	file, err := p.service.PutFile(stream.Context(), quire.ProjectID(about.GetProjectId()), about.GetPath(), content)
	if err != nil {
		return content.or(err)
	}
	return stream.SendAndClose(&datasphere1.UploadFileResponse{Metadata: fileMetadata(about.GetProjectId(), file)})
}

// uploadedChunks returns the pieces of a file of so many bytes; 0 is unknown.
func uploadedChunks(stream grpc.ClientStreamingServer[datasphere1.UploadFileRequest, datasphere1.UploadFileResponse], size int64) func() ([]byte, error) {
	var got int64
	return func() ([]byte, error) {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) && size != 0 && got != size {
			return nil, quire.Invalid("metadata.size_bytes", "says %d, but %d bytes were sent; nothing is written", size, got)
		}
		if err != nil {
			return nil, err
		}
		if message.GetMetadata() != nil {
			return nil, quire.Invalid("metadata", "must be in the first message only")
		}
		got += int64(len(message.GetChunk()))
		return message.GetChunk(), nil
	}
}

func (p *projectData) DownloadFile(req *datasphere1.DownloadFileRequest, stream grpc.ServerStreamingServer[datasphere1.DownloadFileResponse]) error {
	content, file, err := p.service.OpenFile(stream.Context(), quire.ProjectID(req.GetProjectId()), req.GetFilePath())
	if err != nil {
		return err
	}
	defer content.Close()
	err = stream.Send(&datasphere1.DownloadFileResponse{
		Message: &datasphere1.DownloadFileResponse_Metadata{Metadata: fileMetadata(req.GetProjectId(), file)},
	})
	if err != nil {
		return err
	}
	return sendChunks(content, func(piece []byte) error {
		return stream.Send(&datasphere1.DownloadFileResponse{Message: &datasphere1.DownloadFileResponse_Chunk{Chunk: piece}})
	})
}

func fileMetadata(project string, f quire.File) *datasphere1.FileMetadata {
	return &datasphere1.FileMetadata{ProjectId: project, Path: f.Path, SizeBytes: f.Size}
}
