using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>A program that does nothing for a minute, for <see cref="CancellationTests"/> where the system brings none.</summary>
public class SleepPrograms
{
    [InChild]
    public void Sleep() => Thread.Sleep(TimeSpan.FromMinutes(1));
}
