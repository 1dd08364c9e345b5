package sdkv2_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	data "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v1"
	"google.golang.org/protobuf/testing/protocmp"
)

// upload writes a file by DataSphere's own service for files.
func upload(t *testing.T, c client, project, path string, content []byte) {
	t.Helper()
	files := data.NewProjectDataServiceClient(c.connection(t, "yandex.cloud.datasphere.v1.ProjectDataService.UploadFile"))
	stream, err := files.UploadFile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	about := &data.FileMetadata{ProjectId: project, Path: path, SizeBytes: int64(len(content))}
	for _, message := range []*data.UploadFileRequest{
		{Message: &data.UploadFileRequest_Metadata{Metadata: about}},
		{Message: &data.UploadFileRequest_Chunk{Chunk: content}},
	} {
		if err := stream.Send(message); err != nil {
			break // CloseAndRecv says why
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(answer.GetMetadata(), about, protocmp.Transform()); diff != "" {
		t.Errorf("the uploaded file (-got +want):\n%s", diff)
	}
}
