using System.Reflection;
using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Native code that keeps pointers into the stack for its thread, and has called managed code: the stack cannot be left there.
/// Greenlets that are threads have no such stacks.</summary>
public class PinnedTests
{
    private const int Stamp = 7;

    [Fact]
    public void A_greenlet_cannot_be_left_inside_a_type_load_unless_it_is_a_thread() => OnThread.Run(() =>
    {
        int number = 0;
        GreenletException? refusal = Leave(leave => number = LoadedType.Use(leave), out Greenlet other);

        Assert.Equal(42, number);
        RequireRefused(refusal, other);
    });

    [Theory]
    [InlineData(nameof(ResolverKind.Load))]
    [InlineData(nameof(ResolverKind.Resolving))]
    [InlineData(nameof(ResolverKind.AssemblyResolve))]
    [InlineData(nameof(ResolverKind.TypeResolve))]
    [InlineData(nameof(ResolverKind.AssemblyResolveByName))]
    public void A_greenlet_cannot_be_left_in_what_the_runtime_calls_to_resolve_unless_it_is_a_thread(string kind) => OnThread.Run(() =>
        RequireRefused(Leave(leave => FreshTypes.Load(Enum.Parse<ResolverKind>(kind), Stamp, leave), out Greenlet other), other));

    [Theory]
    [InlineData(nameof(ResolverKind.LoadByName))]
    [InlineData(nameof(ResolverKind.NativeLibrary))]
    public void A_greenlet_can_be_left_where_no_type_is_loaded(string kind) => OnThread.Run(() =>
    {
        GreenletException? refusal = Leave(leave => FreshTypes.Load(Enum.Parse<ResolverKind>(kind), Stamp, leave), out Greenlet other);

        Assert.Null(refusal);
        Assert.True(other.IsDead);
    });

    [Fact]
    public void A_thread_that_was_refused_once_leaves_greenlets_as_before() => OnThread.Run(() =>
    {
        for (int i = 0; i < 3; i++)
        {
            RequireRefused(Leave(leave => LoadedType.Use(leave), out Greenlet other), other);
            int seen = 0;
            Greenlet inCatch = new(() =>
            {
                try
                {
                    throw new InvalidOperationException();
                }
                catch (InvalidOperationException)
                {
                    Greenlet.Current.Parent!.Switch();
                    seen++;
                }
            });
            Greenlet inReflection = new(() => typeof(PinnedTests).GetMethod(nameof(GoBack), BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, null));
            inCatch.Switch();
            inReflection.Switch();
            inCatch.Switch();
            inReflection.Switch();
            Assert.True(inCatch.IsDead && inReflection.IsDead && seen == 1);
        }
    });

    private static void GoBack() => Greenlet.Current.Parent!.Switch();

    // Switches to another one in the middle of something that a greenlet does, which goes on afterwards.
    private static GreenletException? Leave(Action<Action> run, out Greenlet other)
    {
        GreenletException? refusal = null;
        Greenlet target = new(() => { });
        Greenlet greenlet = new(() => run(() =>
        {
            try
            {
                target.Switch();
            }
            catch (GreenletException exception)
            {
                refusal = exception;
            }
        }));
        while (!greenlet.IsDead)
        {
            greenlet.Switch(); // where nothing is refused the other one comes back here
        }

        other = target;
        return refusal;
    }

    private static void RequireRefused(GreenletException? refusal, Greenlet other)
    {
        Assert.Equal(ThisRun.Backend != Backends.Threads, refusal is { Reason: GreenletError.Pinned });
        Assert.Equal(refusal is null, other.IsDead);
    }
}
