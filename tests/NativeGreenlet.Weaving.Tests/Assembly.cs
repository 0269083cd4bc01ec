using Xunit.Sdk;
using Xunit.v3;

// Tests look at what the hub does meanwhile.
[assembly: Parallelization(Mode = ParallelMode.None)]
