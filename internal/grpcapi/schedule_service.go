package grpcapi

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// upcoming is how many due times are told of one schedule.
const upcoming = 5

// schedules is Quire's ScheduleService.
type schedules struct {
	quirev1.UnimplementedScheduleServiceServer
	service *service.Service
}

func (s *schedules) Create(ctx context.Context, req *quirev1.CreateScheduleRequest) (*quirev1.Schedule, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	c, err := scheduleOf(req.GetSchedule())
	if err != nil {
		return nil, err
	}
	c.ProjectID = quire.ProjectID(req.GetProjectId())
	c, err = s.service.CreateSchedule(ctx, call, c)
	return s.answer(c, err)
}

func (s *schedules) Get(ctx context.Context, req *quirev1.GetScheduleRequest) (*quirev1.Schedule, error) {
	c, err := s.service.Schedule(ctx, quire.ScheduleID(req.GetScheduleId()))
	return s.answer(c, err)
}

func (s *schedules) List(ctx context.Context, req *quirev1.ListSchedulesRequest) (*quirev1.ListSchedulesResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := s.service.Schedules(ctx, quire.ScheduleFilter{ProjectID: quire.ProjectID(req.GetProjectId()), Page: page})
	if err != nil {
		return nil, err
	}
	response := &quirev1.ListSchedulesResponse{NextPageToken: next}
	for _, c := range found {
		message, err := scheduleProto(c, s.service.Upcoming(c, 1))
		if err != nil {
			return nil, err
		}
		response.Schedules = append(response.Schedules, message)
	}
	return response, nil
}

func (s *schedules) Update(ctx context.Context, req *quirev1.UpdateScheduleRequest) (*quirev1.Schedule, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	patch, err := scheduleOf(req.GetSchedule())
	if err != nil {
		return nil, err
	}
	patch.ID = quire.ScheduleID(req.GetScheduleId())
	c, err := s.service.UpdateSchedule(ctx, call, patch, req.GetUpdateMask().GetPaths())
	return s.answer(c, err)
}

func (s *schedules) Delete(ctx context.Context, req *quirev1.DeleteScheduleRequest) (*emptypb.Empty, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.service.DeleteSchedule(ctx, call, quire.ScheduleID(req.GetScheduleId()))
}

func (s *schedules) RunNow(ctx context.Context, req *quirev1.RunScheduleRequest) (*quirev1.Execution, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	e, err := s.service.RunSchedule(ctx, call, quire.ScheduleID(req.GetScheduleId()))
	if err != nil {
		return nil, err
	}
	return executionProto(e, time.Now())
}

func (s *schedules) answer(c quire.Schedule, err error) (*quirev1.Schedule, error) {
	if err != nil {
		return nil, err
	}
	return scheduleProto(c, s.service.Upcoming(c, upcoming))
}
