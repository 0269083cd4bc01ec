using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>Greenlets without a hub that are frozen, on a thread that does not answer.</summary>
internal static class FrozenSubject
{
    public const int Count = 500;
    public const int Fewest = 400; // that are frozen before it says that it is ready

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static void Run()
    {
        Greenlet[] holders = [.. Enumerable.Range(0, Count).Select(_ => new Greenlet(Hold))];
        Array.ForEach(holders, holder => holder.Switch());
        using Greenlet other = new(() =>
        {
            while (true)
            {
                _ = Greenlet.Current.Parent!.Switch();
            }
        });
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Fewest)
        {
            if (watch.Elapsed > s_patience)
            {
                throw new InvalidOperationException($"Only {GreenletDiagnostics.Frozen} are frozen. {GreenletRuntime.Description}");
            }

            GC.Collect(0);
            _ = other.Switch();
        }

        Subject.ReadyAndWait();
        Array.ForEach(holders, holder => holder.Switch());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Hold() => _ = Greenlet.Current.Parent!.Switch();
}
