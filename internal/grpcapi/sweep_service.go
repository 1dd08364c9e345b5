package grpcapi

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/types/known/structpb"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
	"quire/internal/service"
)

// sweeps is Quire's SweepService.
type sweeps struct {
	quirev1.UnimplementedSweepServiceServer
	service *service.Service
}

func (s *sweeps) Create(ctx context.Context, req *quirev1.CreateSweepRequest) (*quirev1.Sweep, error) {
	call, err := callOf(ctx, req)
	if err != nil {
		return nil, err
	}
	w, err := sweepOf(req.GetSweep())
	if err != nil {
		return nil, err
	}
	w.ProjectID = quire.ProjectID(req.GetProjectId())
	return sweepAnswer(s.service.CreateSweep(ctx, call, w))
}

func (s *sweeps) Get(ctx context.Context, req *quirev1.GetSweepRequest) (*quirev1.Sweep, error) {
	return sweepAnswer(s.service.FindSweep(ctx, quire.SweepID(req.GetSweepId())))
}

func (s *sweeps) List(ctx context.Context, req *quirev1.ListSweepsRequest) (*quirev1.ListSweepsResponse, error) {
	page, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	found, next, err := s.service.Sweeps(ctx, quire.SweepFilter{ProjectID: quire.ProjectID(req.GetProjectId()), Page: page})
	if err != nil {
		return nil, err
	}
	response := &quirev1.ListSweepsResponse{NextPageToken: next}
	for _, w := range found {
		message, err := sweepAnswer(w, nil)
		if err != nil {
			return nil, err
		}
		response.Sweeps = append(response.Sweeps, message)
	}
	return response, nil
}

func (s *sweeps) Cancel(ctx context.Context, req *quirev1.CancelSweepRequest) (*quirev1.Sweep, error) {
	return sweepAnswer(s.service.CancelSweep(ctx, quire.SweepID(req.GetSweepId())))
}

func (s *sweeps) GetTable(ctx context.Context, req *quirev1.GetSweepTableRequest) (*quirev1.SweepTable, error) {
	w, list, err := s.service.SweepExecutions(ctx, quire.SweepID(req.GetSweepId()))
	if err != nil {
		return nil, err
	}
	return sweepTable(w, list)
}

func (s *sweeps) ExportTable(ctx context.Context, req *quirev1.GetSweepTableRequest) (*httpbody.HttpBody, error) {
	w, list, err := s.service.SweepExecutions(ctx, quire.SweepID(req.GetSweepId()))
	if err != nil {
		return nil, err
	}
	data, err := service.WriteCSV(w, list)
	return &httpbody.HttpBody{ContentType: "text/csv; charset=utf-8; header=present", Data: data}, err
}

// sweepOf reads the fields that a client can set.
func sweepOf(m *quirev1.Sweep) (quire.Sweep, error) {
	inputs, err := inputsOf(m.GetInputVariables())
	if err != nil {
		return quire.Sweep{}, err
	}
	w := quire.Sweep{
		Values: make(map[string][]any, len(m.GetValues().GetFields())),
		Work: quire.ScheduledWork{
			Notebook: m.GetNotebook(), Inputs: inputs, OutputNames: m.GetOutputVariableNames(), Spec: m.GetSpec(), Priority: int(m.GetPriority()),
		},
	}
	for name, value := range m.GetValues().GetFields() {
		v, err := jsonOf(value)
		if err != nil {
			return w, quire.Invalid("values", "%.100s: %v", name, err)
		}
		list, ok := v.([]any)
		if !ok {
			return w, quire.Invalid("values", "%.100s must be a list of values", name)
		}
		w.Values[name] = list
	}
	return w, nil
}

func sweepAnswer(w quire.Sweep, err error) (*quirev1.Sweep, error) {
	if err != nil {
		return nil, err
	}
	inputs, err := inputsProto(w.Work.Inputs)
	if err != nil {
		return nil, err
	}
	lists := make(map[string]any, len(w.Values))
	for name, values := range w.Values {
		lists[name] = values
	}
	values, err := inputsProto(lists)
	if err != nil {
		return nil, err
	}
	m := &quirev1.Sweep{
		Id: string(w.ID), ProjectId: string(w.ProjectID), Notebook: w.Work.Notebook, Values: values, InputVariables: inputs,
		OutputVariableNames: w.Work.OutputNames, Spec: w.Work.Spec, Priority: int32(w.Work.Priority),
		CreatedBy: w.CreatedBy, CreatedAt: timeProto(w.CreatedAt), Total: int32(w.Total), Done: w.Done(),
	}
	for _, state := range quire.States() {
		if n := w.States[state]; n > 0 {
			m.States = append(m.States, &quirev1.StateCount{State: stateProto(state), Executions: int32(n)})
		}
	}
	return m, nil
}

func sweepTable(w quire.Sweep, list []quire.Execution) (*quirev1.SweepTable, error) {
	table := &quirev1.SweepTable{Inputs: service.SweptNames(w), Outputs: w.Work.OutputNames}
	for _, e := range list {
		inputs, err := inputsProto(e.Inputs)
		if err != nil {
			return nil, err
		}
		row := &quirev1.SweepRow{ExecutionId: string(e.ID), State: stateProto(e.State), Inputs: inputs}
		if e.State == quire.Succeeded {
			row.Outputs = &structpb.Struct{Fields: map[string]*structpb.Value{}}
			for _, v := range e.Outputs {
				if value := valueProto(v.Value); value != nil && len(v.Value) <= quire.MaxCellBytes {
					row.Outputs.Fields[v.Name] = value
				}
			}
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}
