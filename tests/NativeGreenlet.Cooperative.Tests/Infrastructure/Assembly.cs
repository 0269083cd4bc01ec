using System.Runtime.CompilerServices;
using Xunit.v3;

// The patience of deadlock detection is one for all, so all classes are one collection; only those of processes run beside it. Without a limit
// of threads, because with one the runner gives asynchronous tests a context with so many.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
[assembly: Parallelization(MaxThreads = -1)]

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

internal static class Assembly
{
    [ModuleInitializer]
    internal static void BeImpatient()
    {
        HubOptions.Default = new HubOptions { DeadlockPatience = TimeSpan.FromMilliseconds(300), ShutdownGrace = TimeSpan.FromSeconds(20) };
    }
}
