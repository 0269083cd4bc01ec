using System.Runtime.CompilerServices;

// The patience of deadlock detection is one for all.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

internal static class Assembly
{
    [ModuleInitializer]
    internal static void BeImpatient()
    {
        Hub.DeadlockPatience = TimeSpan.FromMilliseconds(300);
        Hub.ShutdownGrace = TimeSpan.FromSeconds(20);
    }
}
