package grpcapi

import (
	"strconv"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

func eventProto(e quire.Event) *quirev1.Event {
	m := &quirev1.Event{Seq: e.Seq, Time: timeProto(e.Time)}
	switch {
	case e.Started != nil:
		m.Body = &quirev1.Event_Started{Started: startedProto(e.Started)}
	case e.EnvironmentProgress != nil:
		m.Body = &quirev1.Event_EnvironmentProgress{EnvironmentProgress: environmentProgressProto(*e.EnvironmentProgress)}
	case e.KernelStarting != nil:
		m.Body = &quirev1.Event_KernelStarting{KernelStarting: &quirev1.KernelStarting{
			Kernel: e.KernelStarting.Kernel, Bounds: boundsProto(e.KernelStarting.Bounds), Receipt: receiptProto(e.KernelStarting.Receipt),
		}}
	case e.KernelReady != nil:
		m.Body = &quirev1.Event_KernelReady{KernelReady: &quirev1.KernelReady{
			Implementation:  e.KernelReady.Implementation,
			ProtocolVersion: e.KernelReady.ProtocolVersion,
			LanguageInfo:    structProto(e.KernelReady.LanguageInfo),
			Start:           string(e.KernelReady.Start),
		}}
	case e.CellStarted != nil:
		m.Body = &quirev1.Event_CellStarted{CellStarted: &quirev1.CellStarted{Cell: e.CellStarted.Cell, Id: e.CellStarted.ID}}
	case e.CellFinished != nil:
		m.Body = &quirev1.Event_CellFinished{CellFinished: cellFinishedProto(e.CellFinished)}
	case e.OutputVariables != nil:
		m.Body = &quirev1.Event_OutputVariables{OutputVariables: &quirev1.OutputVariables{
			Variables: mapped(e.OutputVariables.Variables, variableProto),
		}}
	case e.Usage != nil:
		m.Body = &quirev1.Event_Usage{Usage: &quirev1.Usage{
			CpuSeconds: e.Usage.CPUSeconds, MemoryBytes: e.Usage.MemoryBytes, PeakMemoryBytes: e.Usage.PeakMemory,
		}}
	case e.Finished != nil:
		m.Body = &quirev1.Event_Finished{Finished: &quirev1.Finished{
			State: stateProto(e.Finished.State), Failure: failureProto(e.Finished.Failure), Retry: e.Finished.Retry,
		}}
	default:
		setOutput(m, e)
	}
	return m
}

// setOutput sets the body of an event about what a cell shows.
func setOutput(m *quirev1.Event, e quire.Event) {
	switch {
	case e.Stream != nil:
		m.Body = &quirev1.Event_Stream{Stream: &quirev1.Stream{
			Cell: e.Stream.Cell, WidgetId: e.Stream.WidgetID, Name: e.Stream.Name, Text: e.Stream.Text,
		}}
	case e.Output != nil:
		m.Body = &quirev1.Event_Output{Output: &quirev1.Output{
			Cell: e.Output.Cell, WidgetId: e.Output.WidgetID, DisplayId: e.Output.DisplayID, Output: structProto(e.Output.Output),
		}}
	case e.DisplayUpdated != nil:
		m.Body = &quirev1.Event_DisplayUpdated{DisplayUpdated: &quirev1.DisplayUpdated{
			DisplayId: e.DisplayUpdated.DisplayID,
			Data:      structProto(e.DisplayUpdated.Data),
			Metadata:  structProto(e.DisplayUpdated.Metadata),
		}}
	case e.OutputCleared != nil:
		m.Body = &quirev1.Event_OutputCleared{OutputCleared: &quirev1.OutputCleared{
			Cell: e.OutputCleared.Cell, WidgetId: e.OutputCleared.WidgetID, Wait: e.OutputCleared.Wait,
		}}
	case e.OutputCut != nil:
		bytes, _ := strconv.ParseInt(e.OutputCut.Bytes, 10, 64) // 0 where it is unknown
		m.Body = &quirev1.Event_OutputCut{OutputCut: &quirev1.OutputCut{Cell: e.OutputCut.Cell, Limit: e.OutputCut.Limit, Bytes: bytes}}
	case e.WidgetUpdated != nil:
		m.Body = &quirev1.Event_WidgetUpdated{WidgetUpdated: &quirev1.WidgetUpdated{
			WidgetId: e.WidgetUpdated.WidgetID,
			Closed:   e.WidgetUpdated.Closed,
			State:    structProto(e.WidgetUpdated.State),
			Buffers:  structsProto(e.WidgetUpdated.Buffers),
		}}
	}
}

func startedProto(s *quire.Started) *quirev1.Started {
	m := &quirev1.Started{Attempt: s.Attempt, Cells: s.Cells, UnitsPerSecond: s.Price}
	if i := s.Injected; i != nil {
		m.Injected = &quirev1.InjectedCell{Index: i.Index, Id: i.ID, Source: i.Source}
	}
	return m
}

func cellFinishedProto(c *quire.CellFinished) *quirev1.CellFinished {
	return &quirev1.CellFinished{
		Cell:           c.Cell,
		Id:             c.ID,
		Status:         string(c.Status),
		Tolerated:      c.Tolerated,
		ExecutionCount: c.ExecutionCount,
		ErrorName:      c.ErrorName,
		ErrorValue:     c.ErrorValue,
		Traceback:      c.Traceback,
		Timing:         c.Timing,
	}
}
