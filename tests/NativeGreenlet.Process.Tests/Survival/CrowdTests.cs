using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>Crowds of greenlets under a collector that is forced to move everything. Contents are compared after every
/// switch. <c>tests/stress --minutes N</c> does the same for longer.</summary>
[Collection(OneAtATime.Name)]
public class CrowdTests
{
    [Theory]
    [InlineData("--main-thread")]
    [InlineData("--carriers 1")]
    [InlineData("--carriers 2 --main-thread")]
    [InlineData("--carriers 4")]
    public void Greenlets_survive_on(string threads) => Stress.Survives(threads, 10);

    [Theory]
    [InlineData("DOTNET_gcServer", "1")]
    [InlineData("DOTNET_gcConcurrent", "0")]
    [InlineData("DOTNET_TieredCompilation", "0")]
    [InlineData("DOTNET_TieredPGO", "0")]
    [InlineData("DOTNET_ReadyToRun", "0")]
    [InlineData("DOTNET_GCgen0size", "0x10000")]
    [InlineData("DOTNET_HeapVerify", "1")]
    public void Greenlets_survive_with(string setting, string value) => Stress.Survives("--carriers 2 --main-thread", 8, (setting, value));

    [Theory]
    [InlineData("hold")]
    [InlineData("catch")]
    [InlineData("cctor")]
    [InlineData("invoke")]
    [InlineData("sort")]
    [InlineData("native")]
    [InlineData("activator")]
    [InlineData("dynamic")]
    [InlineData("iterators")]
    [InlineData("generated")]
    [InlineData("async")]
    [InlineData("throw")]
    [InlineData("spawn")]
    [InlineData("tailcalls")]
    [InlineData("loader")]
    [InlineData("resolver")]
    [InlineData("wait")]
    public void Greenlets_survive_a_switch_inside(string activity) => Stress.Survives($"--scenario {activity} --carriers 1", 3);

    [FactWhere(LeastRuntime = 11)]
    public void Greenlets_survive_a_switch_inside_methods_that_the_runtime_suspends() => Greenlets_survive_a_switch_inside("runtime-async");

    [FactWhere(Cxx = true)]
    public void Greenlets_survive_a_switch_inside_handlers_of_another_language() => Greenlets_survive_a_switch_inside("cxx");

    [Theory]
    [InlineData("--carriers 1 --greenlets 400")]
    [InlineData("--carriers 2 --main-thread")]
    public void Greenlets_survive_inside_exception_filters(string how) => Stress.Survives($"--scenario filters {how}", 8);

    [LinuxFact]
    public void Greenlets_survive_on_slices() =>
        // All but dynamic methods, which the runtime itself loses under a conservative collector: --control dies there, too.
        Stress.Survives("--scenario hold,catch,filters,cctor,invoke,sort,native,activator,iterators,async,throw,spawn,tailcalls,cxx,runtime-async,wait --carriers 2 --main-thread", 10, Stress.OnSlices);

    [LinuxFact]
    public void Greenlets_on_slices_survive_inside_exception_filters() =>
        Stress.Survives("--scenario filters --carriers 2", 5, Stress.OnSlices);

    [LinuxFact]
    public void Greenlets_on_slices_survive_static_constructors_native_callbacks_and_exceptions() =>
        Stress.Survives("--scenario cctor,native,throw,catch --carriers 2", 8, Stress.OnSlices);

    [LinuxFact]
    public void Threads_may_end_with_greenlets_on_slices() =>
        Stress.Survives("--scenario orphans", 5, Stress.OnSlices);

    // If this one fails, the runtime is to blame, not the greenlets.
    [Theory]
    [InlineData("filters")]
    [InlineData("mix")]
    public void Plain_threads_survive_the_same(string scenario) => Stress.Survives($"--scenario {scenario} --control", 4);
}
