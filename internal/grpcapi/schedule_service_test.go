package grpcapi_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	quirev1 "quire/internal/gen/quire/v1"
)

func TestSchedules(t *testing.T) {
	a := newAPI(t)
	ctx := known(t)
	inputs, err := structpb.NewStruct(map[string]any{"day": "{{ scheduled_date }}", "n": 3})
	if err != nil {
		t.Fatal(err)
	}
	asked := &quirev1.Schedule{
		Name: "nightly", Cron: "30 2 * * *", TimeZone: "Europe/Berlin", Notebook: "sales.ipynb", InputVariables: inputs,
		OutputVariableNames: []string{"total"}, Spec: "c1.8", Priority: 4, CatchUp: quirev1.CatchUp_CATCH_UP_ALL, Overlap: quirev1.Overlap_OVERLAP_SKIP,
	}
	made, err := a.schedules.Create(ctx, &quirev1.CreateScheduleRequest{ProjectId: a.project, Schedule: asked})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.schedules.Get(ctx, &quirev1.GetScheduleRequest{ScheduleId: made.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetNext()) != 5 || !got.GetNext()[0].AsTime().After(time.Now()) {
		t.Errorf("got next %v, want five times to come", got.GetNext())
	}
	asked.Id, asked.ProjectId, asked.CreatedBy, asked.CreatedAt, asked.Next = made.GetId(), a.project, got.GetCreatedBy(), got.GetCreatedAt(), got.GetNext()
	if !proto.Equal(got, asked) {
		t.Errorf("got %v, want %v", got, asked)
	}

	got, err = a.schedules.Update(ctx, &quirev1.UpdateScheduleRequest{
		ScheduleId: made.GetId(), Schedule: &quirev1.Schedule{Interval: durationpb.New(time.Hour), Paused: true},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"cron", "interval", "paused"}},
	})
	if err != nil || got.GetCron() != "" || got.GetInterval().AsDuration() != time.Hour || len(got.GetNext()) != 0 || got.GetName() != "nightly" {
		t.Errorf("got %v, %v", got, err)
	}
	e, err := a.schedules.RunNow(ctx, &quirev1.RunScheduleRequest{ScheduleId: made.GetId()})
	if err != nil || e.GetScheduleId() != made.GetId() || e.GetScheduledTime() == nil {
		t.Fatalf("got %v, %v", e, err)
	}
	if list, err := a.executions.List(ctx, &quirev1.ListExecutionsRequest{ProjectId: a.project, ScheduleId: made.GetId()}); err != nil || len(list.GetExecutions()) != 1 {
		t.Errorf("got %v, %v, want the execution", list, err)
	}
	if list, err := a.schedules.List(ctx, &quirev1.ListSchedulesRequest{ProjectId: a.project}); err != nil || len(list.GetSchedules()) != 1 {
		t.Errorf("got %v, %v, want the schedule", list, err)
	}
	if _, err := a.schedules.Delete(ctx, &quirev1.DeleteScheduleRequest{ScheduleId: made.GetId()}); err != nil {
		t.Error(err)
	}

	_, err = a.schedules.Create(ctx, &quirev1.CreateScheduleRequest{ProjectId: a.project, Schedule: &quirev1.Schedule{CatchUp: 9}})
	wantStatus(t, err, codes.InvalidArgument, "catch_up", "")
	_, err = a.schedules.Create(ctx, &quirev1.CreateScheduleRequest{ProjectId: a.project, Schedule: &quirev1.Schedule{Cron: "@daily", Notebook: "nope.ipynb"}})
	wantStatus(t, err, codes.NotFound, "notebook", "")
	_, err = a.schedules.Get(ctx, &quirev1.GetScheduleRequest{ScheduleId: "nope"})
	wantStatus(t, err, codes.NotFound, "schedule_id", "")
}
