using Xunit.Sdk;
using Xunit.v3;

// The machine may have few processors.
[assembly: Parallelization(Mode = ParallelMode.None)]
