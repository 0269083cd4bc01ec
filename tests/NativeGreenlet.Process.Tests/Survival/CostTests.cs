using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>What must not grow.</summary>
[Collection(OneAtATime.Name)]
public class CostTests
{
    [Fact]
    public void Memory_threads_and_handles_stay_as_they_are() => Stress.Survives("--scenario leak", 8);

    [Fact]
    public void A_collection_takes_little_longer_for_greenlets_inside_a_catch_block() => Stress.Survives("--scenario gcpause");

    [LinuxFact]
    public void Memory_threads_and_handles_stay_as_they_are_on_slices() => Stress.Survives("--scenario leak", 8, Stress.OnSlices);

    [LinuxFact]
    public void A_collection_takes_little_longer_for_slices_inside_a_catch_block() => Stress.Survives("--scenario gcpause", Stress.OnSlices);
}
