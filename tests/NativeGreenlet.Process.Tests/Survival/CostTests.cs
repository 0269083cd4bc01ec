using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>What must not grow.</summary>
[Collection(OneAtATime.Name)]
public class CostTests
{
    // What the scenario ends with when it measured too much: anything else, a crash for one, is not tried again.
    private const int TooSlow = 1;

    [Fact]
    public void Memory_threads_and_handles_stay_as_they_are() => Stress.Survives("--scenario leak", 8);

    [Fact]
    public void A_collection_takes_little_longer_for_greenlets_inside_a_catch_block() => MeasuresOnceWell();

    [LinuxFact]
    public void Memory_threads_and_handles_stay_as_they_are_on_slices() => Stress.Survives("--scenario leak", 8, Stress.OnSlices);

    [LinuxFact]
    public void A_collection_takes_little_longer_for_slices_inside_a_catch_block() => MeasuresOnceWell(Stress.OnSlices);

    // How long the collector takes for one and the same stacks depends on where a process has its heap, for the life of that process: with a
    // conservative collector 4,000 more stacks once made each collection shorter. A cost that grew shows in every process.
    private static void MeasuresOnceWell(params (string Name, string Value)[] environment)
    {
        const int Processes = 3;
        for (int i = 1; i < Processes; i++)
        {
            ChildProcess child = Stress.Run("--scenario gcpause", environment);
            if (child.ExitCode != TooSlow)
            {
                Stress.IsOk(child);
                return;
            }
        }

        _ = Stress.Survives("--scenario gcpause", environment);
    }
}
