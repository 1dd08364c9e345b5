package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quire"
	"quire/internal/service"
)

// fullProject has every field that a client can set.
func fullProject() quire.Project {
	return quire.Project{
		Name: "full", Description: "all of it", Labels: map[string]string{"a": "b"},
		Settings: quire.ProjectSettings{
			ServiceAccountID: "sa", SubnetID: "net", DataProcClusterID: "dp", SecurityGroupIDs: []string{"g1", "g2"},
			EarlyAccess: true, IDE: "JUPYTER_LAB", DefaultFolderID: "folder", StaleTimeout: quire.StaleThreeHours,
			VMInactivityTimeout: time.Hour, DefaultSpec: "c1.8",
		},
		Limits: quire.ProjectLimits{MaxUnitsPerHour: new(int64(10)), MaxUnitsPerExecution: new(int64(0))},
	}
}

var serverSet = cmpopts.IgnoreFields(quire.Project{}, "ID", "CommunityID", "CreatedBy", "CreatedAt")

func TestCreateProject(t *testing.T) {
	h := newHouse(t, nil)
	t.Run("keeps what is sent", func(t *testing.T) {
		p, err := h.Project(t.Context(), h.newProject(t, fullProject()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fullProject(), p, serverSet); diff != "" || p.CreatedBy != "admin" || p.CreatedAt.IsZero() {
			t.Errorf("project %+v (-want +got):\n%s", p, diff)
		}
	})
	t.Run("without a name is called by its id", func(t *testing.T) {
		p, err := h.Project(t.Context(), h.newProject(t, quire.Project{}))
		if err != nil || p.Name != string(p.ID) || p.Name == "" {
			t.Errorf("got %q, %v, want the id %q", p.Name, err, p.ID)
		}
	})
	t.Run("can be used at once", func(t *testing.T) {
		_, err := h.PutFile(t.Context(), h.newProject(t, quire.Project{}), "a/b.txt", strings.NewReader("x"))
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("again is the same", func(t *testing.T) {
		call := service.Call{Caller: "admin", IdempotencyKey: "k", Digest: "d"}
		p := quire.Project{CommunityID: quire.DefaultCommunity}
		first, err := h.CreateProject(t.Context(), call, p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.CreateProject(t.Context(), call, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("operation (-first +again):\n%s", diff)
		}
	})
	t.Run("in an unknown community", func(t *testing.T) {
		_, err := h.CreateProject(t.Context(), caller, quire.Project{CommunityID: "nope"})
		wantCode(t, err, quire.NotFound, "community_id: ", "nope")
	})
}

func TestProjectChecks(t *testing.T) {
	h := newHouse(t, nil)
	many := map[string]string{}
	for i := range 65 {
		many[strings.Repeat("a", i+1)] = ""
	}
	tests := map[string]struct {
		change  func(*quire.Project)
		field   string
		message string
	}{
		"name":         {func(p *quire.Project) { p.Name = strings.Repeat("ж", 64) }, "name", "63"},
		"description":  {func(p *quire.Project) { p.Description = strings.Repeat("x", 4097) }, "description", "4096"},
		"label key":    {func(p *quire.Project) { p.Labels = map[string]string{"": "x"} }, "labels", "1 to 63"},
		"label value":  {func(p *quire.Project) { p.Labels = map[string]string{"a": strings.Repeat("x", 64)} }, "labels", "63"},
		"many labels":  {func(p *quire.Project) { p.Labels = many }, "labels", "64"},
		"spec":         {func(p *quire.Project) { p.Settings.DefaultSpec = "huge" }, "settings.default_dedicated_spec", "gt4i.1"},
		"stale mode":   {func(p *quire.Project) { p.Settings.StaleTimeout = "NEVER" }, "settings.stale_exec_timeout_mode", "NO_TIMEOUT"},
		"inactivity":   {func(p *quire.Project) { p.Settings.VMInactivityTimeout = -1 }, "settings.vm_inactivity_timeout", "negative"},
		"units hour":   {func(p *quire.Project) { p.Limits.MaxUnitsPerHour = new(int64(-1)) }, "limits.max_units_per_hour", "negative"},
		"units in run": {func(p *quire.Project) { p.Limits.MaxUnitsPerExecution = new(int64(-1)) }, "limits.max_units_per_execution", "negative"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := quire.Project{CommunityID: quire.DefaultCommunity, ID: h.project}
			tt.change(&p)
			_, err := h.CreateProject(t.Context(), caller, p)
			wantCode(t, err, quire.InvalidArgument, tt.field+": ", tt.message)
			_, err = h.UpdateProject(t.Context(), caller, p, nil)
			wantCode(t, err, quire.InvalidArgument, tt.field+": ", tt.message)
			if _, err = h.UpdateProject(t.Context(), caller, p, []string{"settings.ide"}); err != nil {
				t.Errorf("not in the mask: got %v, want no error", err)
			}
		})
	}
}

func TestUpdateProject(t *testing.T) {
	tests := map[string]struct {
		mask []string
		want func(*quire.Project) // what an empty patch makes of a full project
	}{
		"no mask":     {nil, func(p *quire.Project) { *p = quire.Project{} }},
		"name":        {[]string{"name"}, func(p *quire.Project) { p.Name = "" }},
		"description": {[]string{"description"}, func(p *quire.Project) { p.Description = "" }},
		"labels":      {[]string{"labels"}, func(p *quire.Project) { p.Labels = nil }},
		"settings":    {[]string{"settings"}, func(p *quire.Project) { p.Settings = quire.ProjectSettings{} }},
		"limits":      {[]string{"limits"}, func(p *quire.Project) { p.Limits = quire.ProjectLimits{} }},
		"two of them": {
			[]string{"settings.default_dedicated_spec", "limits.max_units_per_hour"},
			func(p *quire.Project) { p.Settings.DefaultSpec = ""; p.Limits.MaxUnitsPerHour = nil },
		},
		"settings.service_account_id":      {nil, func(p *quire.Project) { p.Settings.ServiceAccountID = "" }},
		"settings.subnet_id":               {nil, func(p *quire.Project) { p.Settings.SubnetID = "" }},
		"settings.data_proc_cluster_id":    {nil, func(p *quire.Project) { p.Settings.DataProcClusterID = "" }},
		"settings.security_group_ids":      {nil, func(p *quire.Project) { p.Settings.SecurityGroupIDs = nil }},
		"settings.early_access":            {nil, func(p *quire.Project) { p.Settings.EarlyAccess = false }},
		"settings.ide":                     {nil, func(p *quire.Project) { p.Settings.IDE = "" }},
		"settings.default_folder_id":       {nil, func(p *quire.Project) { p.Settings.DefaultFolderID = "" }},
		"settings.stale_exec_timeout_mode": {nil, func(p *quire.Project) { p.Settings.StaleTimeout = "" }},
		"settings.vm_inactivity_timeout":   {nil, func(p *quire.Project) { p.Settings.VMInactivityTimeout = 0 }},
		"settings.default_dedicated_spec":  {nil, func(p *quire.Project) { p.Settings.DefaultSpec = "" }},
		"limits.max_units_per_hour":        {nil, func(p *quire.Project) { p.Limits.MaxUnitsPerHour = nil }},
		"limits.max_units_per_execution":   {nil, func(p *quire.Project) { p.Limits.MaxUnitsPerExecution = nil }},
	}
	h := newHouse(t, nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id := h.newProject(t, fullProject())
			if _, err := h.UpdateRunSettings(t.Context(), caller, id, quire.RunSettings{MaxOutput: 5}, nil); err != nil {
				t.Fatal(err)
			}
			mask := tt.mask
			if mask == nil && name != "no mask" {
				mask = []string{name}
			}
			op, err := h.UpdateProject(t.Context(), caller, quire.Project{ID: id}, mask)
			if err != nil {
				t.Fatal(err)
			}
			if !op.Done || op.Kind != quire.OpUpdateProject || op.ProjectID != id || !strings.Contains(string(op.Result), string(id)) {
				t.Errorf("got operation %+v, want a done update with the project", op)
			}
			want := fullProject()
			tt.want(&want)
			if want.Name == "" {
				want.Name = string(id)
			}
			want.Run.MaxOutput = 5 // is not DataSphere's to reset
			got, err := h.Project(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, serverSet); diff != "" {
				t.Errorf("project (-want +got):\n%s", diff)
			}
		})
	}
	for _, path := range []string{"id", "settings.nothing", "settin", "name.first", "labels.a", "created_at", "", "*", "run"} {
		t.Run("refuses "+path, func(t *testing.T) {
			_, err := h.UpdateProject(t.Context(), caller, quire.Project{ID: h.project}, []string{"name", path})
			wantCode(t, err, quire.InvalidArgument, "update_mask: ", `"`+path+`"`)
		})
	}
	t.Run("unknown", func(t *testing.T) {
		_, err := h.UpdateProject(t.Context(), caller, quire.Project{ID: "nope"}, nil)
		wantCode(t, err, quire.NotFound, "", "nope")
	})
}

func TestProjects(t *testing.T) {
	h := newHouse(t, nil)
	second := h.newProject(t, quire.Project{Name: "second"})
	var got []quire.ProjectID
	for page := (quire.Page{Size: 1}); ; {
		list, next, err := h.Projects(t.Context(), quire.ProjectFilter{CommunityID: quire.DefaultCommunity, Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			got = append(got, p.ID)
		}
		if next == "" {
			break
		}
		page.Token = next
	}
	if want := []quire.ProjectID{h.project, second}; !slices.Equal(got, want) {
		t.Errorf("got %v page by page, want %v", got, want)
	}
	_, _, err := h.Projects(t.Context(), quire.ProjectFilter{CommunityID: "nope"})
	wantCode(t, err, quire.NotFound, "community_id: ", "nope")
	for _, size := range []int{-1, 1001} {
		_, _, err = h.Projects(t.Context(), quire.ProjectFilter{Page: quire.Page{Size: size}})
		wantCode(t, err, quire.InvalidArgument, "page_size: ", "0 to 1000")
	}
}

func TestCommunities(t *testing.T) {
	h := newHouse(t, nil)
	op, err := h.CreateCommunity(t.Context(), caller, quire.Community{Name: "team", Description: "d", Labels: map[string]string{"a": "b"}, ZoneID: "z"})
	if err != nil || !op.Done || op.Kind != quire.OpCreateCommunity {
		t.Fatalf("got %+v, %v, want a done creation", op, err)
	}
	id := op.CommunityID

	t.Run("update by mask", func(t *testing.T) {
		_, err := h.UpdateCommunity(t.Context(), caller, quire.Community{ID: id, Description: "new", Name: "not taken"}, []string{"description"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.Community(t.Context(), id)
		if err != nil || c.Name != "team" || c.Description != "new" || c.Labels["a"] != "b" || c.ZoneID != "z" {
			t.Errorf("got %+v, %v, want a new description alone", c, err)
		}
	})
	t.Run("update without mask", func(t *testing.T) {
		if _, err := h.UpdateCommunity(t.Context(), caller, quire.Community{ID: id, Name: "other"}, nil); err != nil {
			t.Fatal(err)
		}
		c, err := h.Community(t.Context(), id)
		if err != nil || c.Name != "other" || c.Description != "" || len(c.Labels) != 0 || c.ZoneID != "z" {
			t.Errorf("got %+v, %v, want the rest reset", c, err)
		}
	})
	t.Run("mask refused", func(t *testing.T) {
		_, err := h.UpdateCommunity(t.Context(), caller, quire.Community{ID: id}, []string{"zone_id"})
		wantCode(t, err, quire.InvalidArgument, "update_mask: ", `"zone_id"`)
	})
	t.Run("name refused", func(t *testing.T) {
		_, err := h.CreateCommunity(t.Context(), caller, quire.Community{Name: strings.Repeat("x", 64)})
		wantCode(t, err, quire.InvalidArgument, "name: ", "63")
	})
	t.Run("list", func(t *testing.T) {
		list, next, err := h.Communities(t.Context(), quire.CommunityFilter{})
		if err != nil || next != "" || len(list) != 2 || list[0].ID != quire.DefaultCommunity || list[1].ID != id {
			t.Errorf("got %+v, %q, %v, want default and the new one", list, next, err)
		}
	})
	t.Run("delete", func(t *testing.T) {
		op, err := h.DeleteCommunity(t.Context(), caller, id)
		if err != nil || !op.Done || op.CommunityID != id {
			t.Fatalf("got %+v, %v, want a done deletion", op, err)
		}
		_, err = h.Community(t.Context(), id)
		wantCode(t, err, quire.NotFound, "", string(id))
		_, err = h.DeleteCommunity(t.Context(), caller, quire.DefaultCommunity)
		wantCode(t, err, quire.FailedPrecondition, "", "")
	})
}

func TestRunSettings(t *testing.T) {
	h := newHouse(t, nil)
	full := quire.RunSettings{
		CellTimeout: -1, RunTimeout: time.Hour, InterruptGrace: time.Second,
		MaxCellOutput: 1, MaxOutput: 2, MaxVariableBytes: 3, MaxVariableRows: 4,
	}
	got, err := h.UpdateRunSettings(t.Context(), caller, h.project, full, nil)
	if diff := cmp.Diff(full, got); err != nil || diff != "" {
		t.Fatalf("%v, settings (-want +got):\n%s", err, diff)
	}
	got, err = h.UpdateRunSettings(t.Context(), caller, h.project, quire.RunSettings{MaxOutput: 9}, []string{"max_output", "run_timeout"})
	want := full
	want.MaxOutput, want.RunTimeout = 9, 0
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("by mask: %v, settings (-want +got):\n%s", err, diff)
	}
	if p, err := h.Project(t.Context(), h.project); err != nil || p.Name != "sales" {
		t.Errorf("got project %+v, %v, want the rest as it was", p, err)
	}
	for field, patch := range map[string]quire.RunSettings{
		"interrupt_grace":    {InterruptGrace: -1},
		"max_cell_output":    {MaxCellOutput: -1},
		"max_output":         {MaxOutput: 1 << 40},
		"max_variable_bytes": {MaxVariableBytes: 1 << 30},
		"max_variable_rows":  {MaxVariableRows: -1},
	} {
		_, err := h.UpdateRunSettings(t.Context(), caller, h.project, patch, nil)
		wantCode(t, err, quire.InvalidArgument, "run_settings."+field+": ", "must be from 0")
	}
	// As a client writes a duration in JSON.
	_, err = h.UpdateRunSettings(t.Context(), caller, h.project, quire.RunSettings{InterruptGrace: time.Hour}, nil)
	wantCode(t, err, quire.InvalidArgument, "run_settings.interrupt_grace: ", "to 600s")
	_, err = h.UpdateRunSettings(t.Context(), caller, h.project, full, []string{"start_timeout"})
	wantCode(t, err, quire.InvalidArgument, "update_mask: ", "start_timeout")
	_, err = h.RunSettings(t.Context(), "nope")
	wantCode(t, err, quire.NotFound, "", "nope")
}
