package grpcapi_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func fullSettings() *datasphere.Project_Settings {
	return &datasphere.Project_Settings{
		ServiceAccountId: "sa", SubnetId: "net", DataProcClusterId: "dp", SecurityGroupIds: []string{"g1"},
		EarlyAccess: true, Ide: datasphere.Project_Settings_JUPYTER_LAB, DefaultFolderId: "folder",
		StaleExecTimeoutMode: datasphere.Project_Settings_THREE_HOURS,
		VmInactivityTimeout:  durationpb.New(90e9), DefaultDedicatedSpec: "c1.8",
	}
}

func TestProjectLife(t *testing.T) {
	a := newAPI(t)
	create := &datasphere.CreateProjectRequest{
		CommunityId: "default", Name: "full", Description: "all of it", Labels: map[string]string{"a": "b"},
		Settings: fullSettings(),
		Limits:   &datasphere.Project_Limits{MaxUnitsPerHour: wrapperspb.Int64(10), MaxUnitsPerExecution: wrapperspb.Int64(0)},
	}
	op, err := a.projects.Create(known(t), create)
	if err != nil {
		t.Fatal(err)
	}
	id := metadataOf[*datasphere.CreateProjectMetadata](t, op).GetProjectId()
	made := responseOf[*datasphere.Project](t, op)
	want := &datasphere.Project{
		Id: id, CreatedAt: made.GetCreatedAt(), Name: "full", Description: "all of it", Labels: create.GetLabels(),
		CreatedById: "alice", Settings: create.GetSettings(), Limits: create.GetLimits(), CommunityId: "default",
	}
	if diff := cmp.Diff(want, made, protocmp.Transform()); diff != "" || !made.GetCreatedAt().IsValid() {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	get := func(t *testing.T) *datasphere.Project {
		t.Helper()
		p, err := a.projects.Get(known(t), &datasphere.GetProjectRequest{ProjectId: id})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if diff := cmp.Diff(want, get(t), protocmp.Transform()); diff != "" {
		t.Errorf("got (-want +got):\n%s", diff)
	}

	t.Run("update by mask", func(t *testing.T) {
		op, err := a.projects.Update(known(t), &datasphere.UpdateProjectRequest{
			ProjectId: id, Name: "not-taken",
			Settings:   &datasphere.Project_Settings{DefaultDedicatedSpec: "g1.1", SubnetId: "not-taken"},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description", "settings.default_dedicated_spec", "limits.max_units_per_hour"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		metadataOf[*datasphere.UpdateProjectMetadata](t, op)
		want.Description, want.Settings.DefaultDedicatedSpec, want.Limits.MaxUnitsPerHour = "", "g1.1", nil
		if diff := cmp.Diff(want, responseOf[*datasphere.Project](t, op), protocmp.Transform()); diff != "" {
			t.Errorf("response (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, get(t), protocmp.Transform()); diff != "" {
			t.Errorf("project (-want +got):\n%s", diff)
		}
	})
	t.Run("update without mask", func(t *testing.T) {
		if _, err := a.projects.Update(known(t), &datasphere.UpdateProjectRequest{ProjectId: id, Name: "bare"}); err != nil {
			t.Fatal(err)
		}
		want := &datasphere.Project{
			Id: id, CreatedAt: made.GetCreatedAt(), CreatedById: "alice", CommunityId: "default", Name: "bare",
			Settings: &datasphere.Project_Settings{}, Limits: &datasphere.Project_Limits{},
		}
		if diff := cmp.Diff(want, get(t), protocmp.Transform()); diff != "" {
			t.Errorf("project (-want +got):\n%s", diff)
		}
	})
	t.Run("delete", func(t *testing.T) {
		op, err := a.projects.Delete(known(t), &datasphere.DeleteProjectRequest{ProjectId: id})
		if err != nil {
			t.Fatal(err)
		}
		if metadataOf[*datasphere.DeleteProjectMetadata](t, op).GetProjectId() != id || op.GetDone() || op.GetResult() != nil {
			t.Errorf("got %v, want a deletion that is under way", op)
		}
		_, err = a.projects.Get(known(t), &datasphere.GetProjectRequest{ProjectId: id})
		wantStatus(t, err, codes.NotFound, "", id)
	})
}

func TestProjectRefusals(t *testing.T) {
	a := newAPI(t)
	update := func(r *datasphere.UpdateProjectRequest) error {
		r.ProjectId = a.project
		_, err := a.projects.Update(known(t), r)
		return err
	}
	t.Run("mask", func(t *testing.T) {
		err := update(&datasphere.UpdateProjectRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"settings.colour"}}})
		wantStatus(t, err, codes.InvalidArgument, "update_mask", `"settings.colour"`)
	})
	for name, tt := range map[string]struct {
		settings *datasphere.Project_Settings
		field    string
	}{
		"spec":       {&datasphere.Project_Settings{DefaultDedicatedSpec: "x"}, "settings.default_dedicated_spec"},
		"ide":        {&datasphere.Project_Settings{Ide: 99}, "settings.ide"},
		"stale mode": {&datasphere.Project_Settings{StaleExecTimeoutMode: 99}, "settings.stale_exec_timeout_mode"},
		"duration":   {&datasphere.Project_Settings{VmInactivityTimeout: &durationpb.Duration{Seconds: 1, Nanos: -1}}, "settings.vm_inactivity_timeout"},
		"ages":       {&datasphere.Project_Settings{VmInactivityTimeout: &durationpb.Duration{Seconds: 10_000_000_000}}, "settings.vm_inactivity_timeout"},
		"negative":   {&datasphere.Project_Settings{VmInactivityTimeout: durationpb.New(-1)}, "settings.vm_inactivity_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, update(&datasphere.UpdateProjectRequest{Settings: tt.settings}), codes.InvalidArgument, tt.field, "")
			_, err := a.projects.Create(known(t), &datasphere.CreateProjectRequest{CommunityId: "default", Settings: tt.settings})
			wantStatus(t, err, codes.InvalidArgument, tt.field, "")
		})
	}
	t.Run("not built", func(t *testing.T) {
		_, err := a.projects.GetRestrictions(known(t), &datasphere.GetProjectRestrictionsRequest{ProjectId: a.project})
		wantStatus(t, err, codes.Unimplemented, "", "not built yet")
	})
}

func TestProjectPages(t *testing.T) {
	a := newAPI(t)
	want := []string{a.project}
	for range 2 {
		op, err := a.projects.Create(known(t), &datasphere.CreateProjectRequest{CommunityId: "default", Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, metadataOf[*datasphere.CreateProjectMetadata](t, op).GetProjectId())
	}
	var got []string
	req := &datasphere.ListProjectsRequest{CommunityId: "default", PageSize: 2}
	for {
		page, err := a.projects.List(known(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.GetProjects() {
			got = append(got, p.GetId())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("projects (-want +got):\n%s", diff)
	}
	filtered, err := a.projects.List(known(t), &datasphere.ListProjectsRequest{CommunityId: "default", ProjectNamePattern: "ALE", OwnedById: "alice"})
	if err != nil || len(filtered.GetProjects()) != 1 || filtered.GetProjects()[0].GetId() != a.project {
		t.Errorf("got %v, %v, want the project sales", filtered, err)
	}
	if none, err := a.projects.List(known(t), &datasphere.ListProjectsRequest{CommunityId: "default", OwnedById: "bob"}); err != nil || len(none.GetProjects()) != 0 {
		t.Errorf("got %v, %v, want none of bob's", none, err)
	}
	_, err = a.projects.List(known(t), &datasphere.ListProjectsRequest{CommunityId: "default", PageToken: "made up"})
	wantStatus(t, err, codes.InvalidArgument, "page_token", "")
}

func TestExecute(t *testing.T) {
	a := newAPI(t)
	req := a.run()
	req.InputVariables = inputs(t, map[string]any{"n": 3.0, "x": 0.5, "s": "v", "b": true, "z": nil, "l": []any{1.0, "a"}, "o": map[string]any{"k": 2.0}})
	req.OutputVariableNames = []string{"total"}
	req.Spec = "c1.8"
	op, err := a.projects.Execute(known(t), req)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("operation", func(t *testing.T) {
		if op.GetDone() || op.GetResult() != nil || op.GetCreatedBy() != "alice" || op.GetDescription() == "" ||
			!op.GetCreatedAt().IsValid() || !op.GetModifiedAt().IsValid() {
			t.Errorf("got %v, want one of alice's that is under way", op)
		}
		want := &datasphere.ProjectExecutionMetadata{
			ProjectId: a.project, Target: &datasphere.ProjectExecutionMetadata_NotebookId{NotebookId: "sales.ipynb"},
		}
		if diff := cmp.Diff(want, metadataOf[*datasphere.ProjectExecutionMetadata](t, op), protocmp.Transform()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(op, a.operation(t, op.GetId()), protocmp.Transform()); diff != "" {
			t.Errorf("operation got later (-first +later):\n%s", diff)
		}
	})
	t.Run("inputs reach the environment", func(t *testing.T) {
		e, err := a.store.Execution(t.Context(), quire.ExecutionID(op.GetId()))
		if err != nil {
			t.Fatal(err)
		}
		env := map[string]string{}
		for name, value := range e.Inputs {
			if env[name], err = quire.EnvValue(value); err != nil {
				t.Error(err)
			}
		}
		want := map[string]string{"n": "3", "x": "0.5", "s": "v", "b": "true", "z": "", "l": `[1,"a"]`, "o": `{"k":2}`}
		if diff := cmp.Diff(want, env); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	})
	t.Run("one cell", func(t *testing.T) {
		req := &datasphere.ProjectExecutionRequest{
			ProjectId: a.project, Target: &datasphere.ProjectExecutionRequest_CellId{CellId: "sales.ipynb#first"}, //nolint:staticcheck // deprecated by DataSphere, and in use
		}
		op, err := a.projects.Execute(known(t), req)
		if err != nil {
			t.Fatal(err)
		}
		want := &datasphere.ProjectExecutionMetadata{
			ProjectId: a.project, Target: &datasphere.ProjectExecutionMetadata_CellId{CellId: "sales.ipynb#first"},
		}
		if diff := cmp.Diff(want, metadataOf[*datasphere.ProjectExecutionMetadata](t, op), protocmp.Transform()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	})
}

func TestExecuteRefusals(t *testing.T) {
	a := newAPI(t)
	a.put(t, "text.ipynb", "no notebook")
	a.put(t, "prose.ipynb", `{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":[]}`)
	a.put(t, "julia.ipynb", strings.Replace(sales, `"metadata":{}`, `"metadata":{"kernelspec":{"name":"julia"}}`, 1))
	notebook := func(r *datasphere.ProjectExecutionRequest, path string) {
		r.Target = &datasphere.ProjectExecutionRequest_NotebookId{NotebookId: path}
	}
	cell := func(r *datasphere.ProjectExecutionRequest, path string) {
		r.Target = &datasphere.ProjectExecutionRequest_CellId{CellId: path} //nolint:staticcheck // deprecated by DataSphere, and in use
	}
	type request = *datasphere.ProjectExecutionRequest
	for name, tt := range map[string]struct {
		change  func(request)
		code    codes.Code
		field   string
		message string
	}{
		"no project":       {func(r request) { r.ProjectId = "" }, codes.InvalidArgument, "project_id", ""},
		"long project":     {func(r request) { r.ProjectId = strings.Repeat("p", 51) }, codes.InvalidArgument, "project_id", ""},
		"unknown project":  {func(r request) { r.ProjectId = "p" }, codes.NotFound, "project_id", `"p"`},
		"no target":        {func(r request) { r.Target = nil }, codes.InvalidArgument, "target", "notebook_id"},
		"empty notebook":   {func(r request) { notebook(r, "") }, codes.InvalidArgument, "target", ""},
		"long notebook":    {func(r request) { notebook(r, strings.Repeat("n", 201)) }, codes.InvalidArgument, "notebook_id", "200"},
		"missing notebook": {func(r request) { notebook(r, "none.ipynb") }, codes.NotFound, "notebook_id", "none.ipynb"},
		"leaves":           {func(r request) { notebook(r, "../sales.ipynb") }, codes.InvalidArgument, "notebook_id", "leaves"},
		"absolute":         {func(r request) { notebook(r, "/etc/passwd") }, codes.InvalidArgument, "notebook_id", "absolute"},
		"not a notebook":   {func(r request) { notebook(r, "text.ipynb") }, codes.InvalidArgument, "notebook_id", "text.ipynb"},
		"no code cells":    {func(r request) { notebook(r, "prose.ipynb") }, codes.InvalidArgument, "notebook_id", "no code cells"},
		"unknown kernel":   {func(r request) { notebook(r, "julia.ipynb") }, codes.InvalidArgument, "notebook_id", "python3"},
		"unknown cell":     {func(r request) { cell(r, "sales.ipynb#nope") }, codes.InvalidArgument, "cell_id", `"nope"`},
		"no cell":          {func(r request) { cell(r, "sales.ipynb") }, codes.InvalidArgument, "cell_id", "#"},
		"input name":       {func(r request) { r.InputVariables = inputs(t, map[string]any{"1": ""}) }, codes.InvalidArgument, "input_variables", `"1"`},
		"input NaN":        {func(r request) { r.InputVariables = inputs(t, map[string]any{"a": []any{math.NaN()}}) }, codes.InvalidArgument, "input_variables", "NaN"},
		"input infinite":   {func(r request) { r.InputVariables = inputs(t, map[string]any{"a": math.Inf(1)}) }, codes.InvalidArgument, "input_variables", "Inf"},
		"output name":      {func(r request) { r.OutputVariableNames = []string{"a b"} }, codes.InvalidArgument, "output_variable_names", `"a b"`},
		"unknown spec":     {func(r request) { r.Spec = "c1" }, codes.InvalidArgument, "spec", "c1.32, c1.4, c1.8, c1.80"},
		"long connector":   {func(r request) { r.SparkConnectorId = strings.Repeat("s", 201) }, codes.InvalidArgument, "spark_connector_id", "200"},
		"connector":        {func(r request) { r.SparkConnectorId = "spark" }, codes.NotFound, "spark_connector_id", "spark"},
	} {
		t.Run(name, func(t *testing.T) {
			req := a.run()
			tt.change(req)
			op, err := a.projects.Execute(known(t), req)
			if op != nil {
				t.Errorf("got operation %v", op)
			}
			wantStatus(t, err, tt.code, tt.field, tt.message)
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	a := newAPI(t)
	const key = "idempotency-key"
	const id = "0c0fdd58-9a24-4b35-b0cb-6d0a2e9d2f46"
	ctx := known(t, key, id)
	first, err := a.projects.Execute(ctx, a.run())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := a.projects.Execute(ctx, a.run()); err != nil || again.GetId() != first.GetId() {
		t.Errorf("repeated: got %v, %v, want %s", again, err, first.GetId())
	}
	other := a.run()
	other.Spec = "c1.8"
	_, err = a.projects.Execute(ctx, other)
	wantStatus(t, err, codes.InvalidArgument, "", "another request")
	// The bytes of these two requests are the same.
	_, err = a.projects.Delete(known(t, key, "5f1c4b0e-6f0c-4cf5-8b43-0e4f0d3f7c11"), &datasphere.DeleteProjectRequest{ProjectId: "none"})
	wantStatus(t, err, codes.NotFound, "", "none")
	keyed := known(t, key, "f6d5b0a4-51a0-4f43-9a0f-2d2f1e1b7a55")
	if _, err := a.projects.Update(keyed, &datasphere.UpdateProjectRequest{ProjectId: a.project}); err != nil {
		t.Fatal(err)
	}
	_, err = a.projects.Delete(keyed, &datasphere.DeleteProjectRequest{ProjectId: a.project})
	wantStatus(t, err, codes.InvalidArgument, "", "another request")
	_, err = a.projects.Execute(known(t, key, id, "quire-priority", "5"), a.run())
	wantStatus(t, err, codes.InvalidArgument, "", "another request")
	_, err = a.projects.Execute(known(t, key, "not a uuid"), a.run())
	wantStatus(t, err, codes.InvalidArgument, "", "UUID")
}

func TestPriority(t *testing.T) {
	a := newAPI(t)
	for given, want := range map[string]int32{"-100": -100, "0": 0, "100": 100} {
		op, err := a.projects.Execute(known(t, "quire-priority", given), a.run())
		if err != nil {
			t.Fatal(err)
		}
		e, err := a.executions.Get(known(t), &quirev1.GetExecutionRequest{ExecutionId: op.GetId()})
		if err != nil || e.GetPriority() != want {
			t.Errorf("%s: got %d, %v, want %d", given, e.GetPriority(), err, want)
		}
	}
	for _, given := range []string{"", "high", "101", "-101", "1.5", "99999999999999999999"} {
		_, err := a.projects.Execute(known(t, "quire-priority", given), a.run())
		wantStatus(t, err, codes.InvalidArgument, "", "Quire-Priority")
	}
	_, err := a.projects.Execute(known(t, "quire-priority", "1", "quire-priority", "2"), a.run())
	wantStatus(t, err, codes.InvalidArgument, "", "Quire-Priority")
}

func TestUnitBalance(t *testing.T) {
	a := newAPI(t)
	want := func(balance *wrapperspb.Int64Value) {
		t.Helper()
		got, err := a.projects.GetUnitBalance(known(t), &datasphere.GetUnitBalanceRequest{ProjectId: a.project})
		if diff := cmp.Diff(balance, got.GetUnitBalance(), protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("%v, balance (-want +got):\n%s", err, diff)
		}
	}
	want(nil)
	for _, balance := range []*wrapperspb.Int64Value{wrapperspb.Int64(1 << 40), wrapperspb.Int64(0), nil} {
		op, err := a.projects.SetUnitBalance(known(t), &datasphere.SetUnitBalanceRequest{ProjectId: a.project, UnitBalance: balance})
		if err != nil {
			t.Fatal(err)
		}
		responseOf[*emptypb.Empty](t, op)
		if got := metadataOf[*datasphere.SetUnitBalanceMetadata](t, op).GetProjectId(); got != a.project {
			t.Errorf("got metadata of %q, want %q", got, a.project)
		}
		if diff := cmp.Diff(op, a.operation(t, op.GetId()), protocmp.Transform()); diff != "" {
			t.Errorf("operation got later (-first +later):\n%s", diff)
		}
		want(balance)
	}
	if _, err := a.projects.SetUnitBalance(known(t), &datasphere.SetUnitBalanceRequest{ProjectId: a.project, UnitBalance: wrapperspb.Int64(-1)}); err != nil {
		t.Fatal(err)
	}
	_, err := a.projects.Execute(known(t), a.run())
	wantStatus(t, err, codes.FailedPrecondition, "", "no units left")
	_, err = a.projects.SetUnitBalance(known(t), &datasphere.SetUnitBalanceRequest{ProjectId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
	_, err = a.projects.GetUnitBalance(known(t), &datasphere.GetUnitBalanceRequest{ProjectId: "nope"})
	wantStatus(t, err, codes.NotFound, "", "nope")
}

func TestTooDear(t *testing.T) {
	a := newAPI(t)
	_, err := a.projects.Update(known(t), &datasphere.UpdateProjectRequest{
		ProjectId: a.project, Limits: &datasphere.Project_Limits{MaxUnitsPerHour: wrapperspb.Int64(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.projects.Execute(known(t), a.run())
	wantStatus(t, err, codes.FailedPrecondition, "spec", "max_units_per_hour")
}

func inputs(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
