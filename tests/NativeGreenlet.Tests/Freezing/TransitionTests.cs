using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>Freezing where every switch makes a transition to native code, as on arm64 and Windows: on all platforms, by the variant of the
/// library that does so. In processes of their own, as <see cref="FreezingTests"/>.</summary>
public class TransitionTests
{
    private const string Fault = "transitions";

    [Fact]
    public void What_frozen_stacks_refer_to_survives_collections() => Survives("always", HoldEverything);

    [Fact]
    public void A_frozen_greenlet_takes_values_exceptions_and_kills() => Survives("always", UseFrozen);

    [Fact]
    public void The_collector_walks_what_was_thawed() => Survives("always", CollectThawed);

    [Fact]
    public void An_abandoned_frozen_greenlet_is_killed() => Survives("always", AbandonFrozen);

    [Fact]
    public void The_stacks_of_frozen_greenlets_are_given_back_when_their_thread_ends() => Survives("always", EndThread);

    [Fact]
    public void What_cannot_be_frozen_is_told_apart() => Survives("always", Refuse);

    [LinuxFact]
    public void What_frozen_generic_code_runs_with_is_kept() => Survives("auto", KeepContexts, UnloadableCodeTests.Verify);

    [LinuxFact]
    public void What_a_frozen_byref_leads_to_is_kept() => Survives("auto", KeepData, UnloadableCodeTests.Verify);

    [LinuxFact]
    public void Assemblies_come_and_go() => Survives("always", ComeAndGoWithAssemblies, UnloadableCodeTests.Verify);

    [LinuxFact]
    public void Greenlets_that_have_nothing_to_do_with_an_assembly_that_can_be_unloaded_are_frozen() => Survives("auto", FreezeOthers);

    [Fact]
    public void Greenlets_that_are_parked_for_long_are_frozen() => Survives("auto", ParkForLong);

    [LinuxFact]
    public void Pages_are_given_back() => Survives("auto", GivePages);

    [Fact]
    public void What_runs_a_frozen_dynamic_method_keeps_its_code() => Survives("auto", KeepCode, UnloadableCodeTests.Verify);

    [Fact]
    public void Dynamic_methods_come_and_go() => Survives("always", ComeAndGo, UnloadableCodeTests.Verify);

    [Theory]
    [InlineData("slot")]
    [InlineData("stale")]
    public void A_library_that_freezes_wrongly_is_found(string fault)
    {
        if (!FreezingTests.CanFreeze)
        {
            return;
        }

        InChild.Result child = InChild.Run(
            HoldEverything,
            (FreezeSetting.Variable, "always"),
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, $"{Fault},{fault}"));
        Assert.True(child.ExitCode != 0 || child.Output.Contains(FreezingTests.Unavailable, StringComparison.Ordinal), child.Output);
        Assert.DoesNotContain("frozen: 0 now", child.Output, StringComparison.Ordinal);
    }

    private static void Survives(string wish, Action body, params (string, string)[] environment) => FreezingTests.Survives(
        wish,
        body,
        [(NativeEngine.PathVariable, BreakableLibrary.Path), (BreakableLibrary.FaultVariable, Fault), .. environment]);

    private static unsafe void Run(Action body)
    {
        Assert.True(NativeMethods.ng_clr_direct() is null, "no switch is without a transition");
        body();
    }

    private static void HoldEverything() => Run(FreezingTests.HoldEverything);

    private static void UseFrozen() => Run(FreezingTests.UseFrozen);

    private static void CollectThawed() => Run(FreezingTests.CollectThawed);

    private static void AbandonFrozen() => Run(FreezingTests.AbandonFrozen);

    private static void EndThread() => Run(FreezingTests.EndThread);

    private static void Refuse() => Run(FreezingTests.Refuse);

    private static void KeepContexts() => Run(UnloadableContextTests.KeepContexts);

    private static void KeepData() => Run(UnloadableContextTests.KeepData);

    private static void ComeAndGoWithAssemblies() => Run(UnloadableContextTests.ComeAndGo);

    private static void FreezeOthers() => Run(UnloadableContextTests.FreezeOthers);

    private static void ParkForLong() => Run(FreezingTests.ParkForLong);

    private static void GivePages() => Run(PagesTests.GiveAfterTime);

    private static void KeepCode() => Run(UnloadableCodeTests.KeepCode);

    private static void ComeAndGo() => Run(UnloadableCodeTests.ComeAndGo);
}
