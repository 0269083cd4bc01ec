using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Tasks that wait for long, where parked greenlets are frozen: <see cref="FreezingPrograms"/>.</summary>
public class FreezingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // beside an assembly that can be unloaded
    public void Tasks_and_connections_that_wait_for_long_are_frozen_though_their_hub_sleeps(bool isUnloadable)
    {
        if (!OperatingSystem.IsLinux() || !RuntimeInformation.RuntimeIdentifier.EndsWith("x64", StringComparison.Ordinal) || GreenletRuntime.Backend != GreenletBackend.Segments)
        {
            return; // nothing is frozen there
        }

        string output = Child.Run([("NATIVEGREENLET_FREEZE", "auto"), (FreezingPrograms.UnloadableVariable, isUnloadable ? "1" : string.Empty)], nameof(FreezingPrograms));
        Assert.Contains("tasks are frozen", output, StringComparison.Ordinal);
        Assert.Contains("connections are frozen", output, StringComparison.Ordinal);
    }
}
