using System.Runtime.CompilerServices;

// The patience of deadlock detection is one for all.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

internal static class Assembly
{
    [ModuleInitializer]
    internal static void BeImpatient()
    {
        HubOptions.Default = new HubOptions { DeadlockPatience = TimeSpan.FromMilliseconds(300), ShutdownGrace = TimeSpan.FromSeconds(20) };
    }
}
