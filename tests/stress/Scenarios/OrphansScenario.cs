using System.Globalization;
using System.Runtime.CompilerServices;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Threads end while greenlets of theirs are suspended. The collector must not follow what they leave behind,
/// what only they held is garbage, and their stacks are given back.</summary>
internal sealed class OrphansScenario : Scenario
{
    private const int Threads = 24;
    private const int PerThread = 40;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public override string Name => "orphans";

    public override string Summary => "threads that end with suspended greenlets";

    public override int Run(Options options)
    {
        List<WeakReference> held = [];
        List<Greenlet> kept = [];
        using (new CollectorPressure(options.Seed))
        {
            for (int i = 0; i < Threads; i++)
            {
                bool keeps = i % 2 == 0;
                Thread thread = new(() => LeaveBehind(held, keeps ? kept : null));
                thread.Start();
                thread.Join();
            }

            Deadline deadline = new(options.Time < s_patience ? s_patience : options.Time);
            while (StackPools.Count().Live != 0 || held.Any(reference => reference.IsAlive))
            {
                if (deadline.HasPassed)
                {
                    Check.Fail(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{StackPools.Count().Live} stacks of ended threads were not given back, {held.Count(reference => reference.IsAlive)} of {held.Count} objects that only they held are alive"));
                }

                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        foreach (Greenlet greenlet in kept)
        {
            Check.That(greenlet.IsDead);
            try
            {
                _ = greenlet.Switch();
                Check.Fail("a greenlet of an ended thread was continued");
            }
            catch (GreenletException exception)
            {
                Check.That(exception.Reason == GreenletError.ThreadExited);
            }
        }

        // A Thread object, and a stack, may be where an old one was.
        Thread late = new(() =>
        {
            foreach (Greenlet greenlet in Parking.Start(PerThread))
            {
                _ = greenlet.Switch();
                Check.That(greenlet.IsDead);
            }
        });
        late.Start();
        late.Join();
        Console.WriteLine($"ok: {Threads * (PerThread + 2)} greenlets outlived their threads");
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeaveBehind(List<WeakReference> held, List<Greenlet>? kept)
    {
        List<Greenlet> greenlets = Parking.Start(PerThread);
        Cell cell = new(1);
        Exception exception = new InvalidOperationException();
        held.Add(new WeakReference(cell));
        held.Add(new WeakReference(exception));
        StartHolder(greenlets, cell);
        StartHandler(greenlets, exception);
        kept?.AddRange(greenlets);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StartHolder(List<Greenlet> greenlets, Cell cell)
    {
        Greenlet holder = new(value =>
        {
            Cell only = (Cell)value!;
            _ = Greenlet.Current.Parent!.Switch();
            GC.KeepAlive(only);
            return null;
        });
        greenlets.Add(holder);
        _ = holder.Switch(cell);
    }

    // The runtime itself refers to an exception that is in flight.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StartHandler(List<Greenlet> greenlets, Exception exception)
    {
        Greenlet handler = new(value =>
        {
            try
            {
                throw (Exception)value!;
            }
            catch (InvalidOperationException)
            {
                _ = Greenlet.Current.Parent!.Switch();
            }

            return null;
        });
        greenlets.Add(handler);
        _ = handler.Switch(exception);
    }
}
