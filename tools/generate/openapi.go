package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	binary     = "application/octet-stream"
	notebook   = "application/x-ipynb+json"
	filePath   = "/quire/v1/projects/{projectId}/files/{path}"
	eventsPath = "/quire/v1/executions/{executionId}/events"
	notePath   = "/quire/v1/executions/{executionId}/notebook"
	reportPath = "/quire/v1/executions/{executionId}/html"
	tablePath  = "/quire/v1/sweeps/{sweepId}/table.csv"
)

// openAPI returns the document of REST as it is: what the plugin makes of the
// annotations, with those bodies put right that are not proto JSON.
func openAPI(ctx context.Context, files fileSet) ([]byte, error) {
	out, err := plugin{"protoc-gen-openapi", "title=Quire,version=v1,naming=json,enum_type=string"}.run(ctx, files)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(out["openapi.yaml"]))
	if err != nil {
		return nil, err
	}
	if err := correct(doc); err != nil {
		return nil, err
	}
	if err := doc.Validate(ctx); err != nil {
		return nil, err
	}
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, content, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func correct(doc *openapi3.T) error {
	doc.Info.Description = "Quire's own API: executions, their notebooks and events, project files and settings. " +
		"Executions are started by DataSphere's API at the same address."
	doc.Components.SecuritySchemes = openapi3.SecuritySchemes{
		"bearer": {Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer")},
	}
	doc.Security = *openapi3.NewSecurityRequirements().With(openapi3.NewSecurityRequirement().Authenticate("bearer"))
	describeErrors(doc)

	// The plugin takes {path=**} for a wildcard over the whole path.
	file := doc.Paths.Value("/quire/v1/projects/**")
	events, note, table := doc.Paths.Value(eventsPath), doc.Paths.Value(notePath), doc.Paths.Value(tablePath)
	if file == nil || events == nil || note == nil || table == nil {
		return errors.New("a path that needs a raw body is not there")
	}
	doc.Paths.Delete("/quire/v1/projects/**")
	doc.Paths.Set(filePath, file)
	correctFile(file)

	answer(events.Get, "text/event-stream", openapi3.NewStringSchema())
	answer(note.Get, notebook, openapi3.NewObjectSchema())
	answer(table.Get, "text/csv", openapi3.NewStringSchema())
	doc.Paths.Set(reportPath, report(note.Get))
	for _, tag := range doc.Tags {
		tag.Description = unwrap(tag.Description)
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			operation.Description = unwrap(operation.Description)
		}
	}
	for _, schema := range doc.Components.Schemas {
		schema.Value.Description = unwrap(schema.Value.Description)
		for _, property := range schema.Value.Properties {
			if property.Value != nil {
				property.Value.Description = unwrap(property.Value.Description)
			}
		}
	}
	return nil
}

// report describes what REST alone has: the notebook as a page. The execution is
// named and errors are answered as where the notebook itself is asked for.
func report(note *openapi3.Operation) *openapi3.PathItem {
	code := openapi3.NewQueryParameter("code").WithSchema(openapi3.NewStringSchema().WithEnum("show", "hide"))
	code.Description = "Whether the page has the code; show where it is not given."
	operation := openapi3.NewOperation()
	operation.OperationID = "GetReport"
	operation.Tags = note.Tags
	operation.Description = "Returns the executed notebook as one page of HTML that loads nothing and runs no script."
	operation.Parameters = append(operation.Parameters, note.Parameters...)
	operation.AddParameter(code)
	operation.Responses = openapi3.NewResponses(
		openapi3.WithStatus(200, &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription("OK")}),
		openapi3.WithName("default", note.Responses.Default().Value),
	)
	answer(operation, "text/html", openapi3.NewStringSchema())
	return &openapi3.PathItem{Get: operation}
}

func correctFile(file *openapi3.PathItem) {
	answer(file.Get, binary, openapi3.NewStringSchema().WithFormat("binary"))
	file.Get.Description = "Returns a file's bytes."
	file.Put.Description = "Writes a file, atomically, with the folders that it needs. The body is its raw bytes, of any length."
	file.Put.RequestBody.Value = openapi3.NewRequestBody().WithRequired(true).WithContent(
		openapi3.NewContentWithSchema(openapi3.NewStringSchema().WithFormat("binary"), []string{binary}))
	for _, operation := range file.Operations() {
		for _, parameter := range operation.Parameters {
			if parameter.Value.Name != "path" {
				parameter.Value.Description = ""
				continue
			}
			parameter.Value.In = openapi3.ParameterInPath
			parameter.Value.Required = true
			parameter.Value.Description = "Relative to the project; its slashes are part of it."
		}
	}
}

// answer sets what an operation answers with when all is well.
func answer(operation *openapi3.Operation, contentType string, schema *openapi3.Schema) {
	operation.Responses.Value("200").Value.Content = openapi3.NewContentWithSchema(schema, []string{contentType})
}

// describeErrors replaces the plugin's long words on google.rpc.Status.
func describeErrors(doc *openapi3.T) {
	status := doc.Components.Schemas["Status"].Value
	status.Description = "Every error's body."
	status.Properties["code"].Value.Description = "The gRPC status code."
	status.Properties["message"].Value.Description = "What is wrong, for a person."
	status.Properties["details"].Value.Description = "google.rpc.RequestInfo and, where a field is at fault, google.rpc.BadRequest."
}

// unwrap puts a comment's lines into one.
func unwrap(comment string) string { return strings.Join(strings.Fields(comment), " ") }
