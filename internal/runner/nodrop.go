package runner

import (
	"context"

	"quire/jupyter"
)

// noDrop makes ipykernel wait where its client is slow: at its high-water mark
// of 1000 messages its iopub socket would drop output, and never say so. Since
// version 7 that socket is an XPUB (type 9), which can be told so (option 69,
// XPUB_NODROP); the PUB of earlier ones can only be given a larger mark
// (option 23, SNDHWM). The names are ZeroMQ's, zmq_setsockopt(3).
const noDrop = `(lambda s: s.setsockopt(69, 1) if s.getsockopt(16) == 9 else s.setsockopt(23, 100000))(get_ipython().kernel.iopub_thread.socket)`

// ipython is the implementation that ipykernel names in its kernel_info_reply.
const ipython = "ipython"

// keepOutput sends what keeps the kernel from dropping output, ahead of the
// first cell. Nobody waits for its reply: a kernel that cannot do it drops.
func (r *run) keepOutput(ctx context.Context) {
	if r.opts.Implementation == ipython {
		_, _ = r.kernel.Send(ctx, jupyter.Shell, "execute_request", executeRequest{Code: noDrop, Silent: true})
	}
}
