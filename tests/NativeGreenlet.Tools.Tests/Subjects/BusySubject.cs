using System.Runtime.CompilerServices;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>Greenlets without a hub that are suspended, on a thread that goes on switching between others.</summary>
internal static class BusySubject
{
    public const int Count = 100;
    public const string Name = "holder";

    private static volatile bool s_isOver;

    public static void Run()
    {
        Thread worker = new(Work);
        worker.Start();
        Subject.ReadyAndWait();
        s_isOver = true;
        worker.Join();
    }

    private static void Work()
    {
        Greenlet[] holders = [.. Enumerable.Range(0, Count).Select(_ => new Greenlet(Hold) { Name = Name })];
        Array.ForEach(holders, holder => holder.Switch());
        using Greenlet other = new(() =>
        {
            while (true)
            {
                _ = Greenlet.Current.Parent!.Switch();
            }
        });
        while (!s_isOver)
        {
            _ = other.Switch();
        }

        Array.ForEach(holders, holder => holder.Switch());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Hold() => _ = Greenlet.Current.Parent!.Switch();
}
