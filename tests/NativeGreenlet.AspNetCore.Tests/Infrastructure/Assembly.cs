using Xunit.Sdk;
using Xunit.v3;

// The patience of deadlock detection is one for all, and the machine may have few processors.
[assembly: Parallelization(Mode = ParallelMode.None)]
