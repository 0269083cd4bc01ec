using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Properties;

/// <summary>Does what a <see cref="GreenletProgram"/> says, with real greenlets, and writes down what it sees: the same
/// lines that <see cref="GreenletModel"/> predicts.</summary>
/// <remarks>No local variable that is alive across a switch may refer to a greenlet: only the slots do, so that what is
/// dropped from them can be collected.</remarks>
internal sealed class ProgramRunner
{
    private const string Done = "done";
    private const string Skipped = "skipped";

    private readonly GreenletProgram _program;
    private readonly Greenlet?[] _slots = new Greenlet?[GreenletProgram.Slots];
    private readonly Greenlet _main = Greenlet.Current;
    private readonly List<string> _log = [];
    private int _created = GreenletProgram.MainNumber;
    private int _fuel = GreenletProgram.Fuel;

    private ProgramRunner(GreenletProgram program)
    {
        _program = program;
    }

    /// <summary>Runs a program on the calling thread, whose main greenlet must be current.</summary>
    public static IReadOnlyList<string> Run(GreenletProgram program)
    {
        ProgramRunner runner = new(program);
        Greenlet.UnobservedException += runner.OnUnobserved;
        try
        {
            runner.RunMain();
        }
        finally
        {
            Greenlet.UnobservedException -= runner.OnUnobserved;
        }

        return runner._log;
    }

    private void RunMain()
    {
        GreenletScope[] sweeps = [.. Enumerable.Range(0, GreenletProgram.Sweeps).Select(_ => GreenletScope.Enter())];
        foreach (Operation operation in _program.Main)
        {
            if (_fuel == 0)
            {
                break;
            }

            _fuel--;
            try
            {
                Attempt(GreenletProgram.MainNumber, operation);
            }
            catch (Exception)
            {
                // the main greenlet catches everything
            }
        }

        _fuel = 0;
        foreach (GreenletScope sweep in sweeps)
        {
            try
            {
                sweep.Dispose();
            }
            catch (Exception exception)
            {
                Log($"g{GreenletProgram.MainNumber} sweep: threw {Name(exception)}");
            }
        }

        Log("end");
    }

    private object? RunBody(int me, Body body, object? value)
    {
        Log($"g{me} begins with {Text(value)}");
        try
        {
            RunOperations(me, body.Operations);
            return body.Fails ? throw Create(body.Ending) : body.Ending;
        }
        finally
        {
            Log($"g{me} finally");
            RunOperations(me, body.Finally);
        }
    }

    private void RunOperations(int me, IReadOnlyList<Operation> operations)
    {
        foreach (Operation operation in operations)
        {
            if (_fuel > 0)
            {
                _fuel--;
                Attempt(me, operation);
            }
        }
    }

    private void Attempt(int me, Operation operation)
    {
        if (operation.Handler is not { } handler)
        {
            Do(me, operation);
            return;
        }

        try
        {
            Do(me, operation);
        }
        catch (Exception)
        {
            RunOperations(me, handler);
        }
    }

    private void Do(int me, Operation operation)
    {
        object? result;
        try
        {
            result = operation.Act switch
            {
                Act.Create => Create(operation),
                Act.Switch => Switch(operation),
                Act.Throw => Throw(operation),
                Act.Reparent => Reparent(operation),
                Act.Dispose => Dispose(operation),
                Act.Drop => Drop(operation),
                Act.Collect => Collect(),
                _ => throw Create(operation.Value),
            };
        }
        catch (Exception exception)
        {
            Log($"g{me} {operation.Act}: threw {Name(exception)}");
            throw;
        }

        Log($"g{me} {operation.Act}: {Text(result)}");
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? Create(Operation operation)
    {
        Greenlet? parent = null;
        if (operation.Other != Whom.Nobody)
        {
            parent = Resolve(operation.Other);
            if (parent is null)
            {
                return Skipped;
            }
        }

        Body body = _program.Bodies[operation.Value];
        StrongBox<int> number = new(); // known when it is there: until then its constructor may run others
        Greenlet greenlet = new(value => RunBody(number.Value, body, value), parent);
        number.Value = ++_created;
        greenlet.Name = string.Create(CultureInfo.InvariantCulture, $"g{_created}");
        _slots[operation.Target] = greenlet;
        return Done;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? Switch(Operation operation) =>
        Resolve(operation.Target) is { } target ? target.Switch(operation.Value) : Skipped;

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? Throw(Operation operation) =>
        Resolve(operation.Target) is { } target ? target.Throw(operation.Value == 0 ? null : Create(operation.Value)) : Skipped;

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? Reparent(Operation operation)
    {
        if (Resolve(operation.Target) is not { } target || Resolve(operation.Other) is not { } parent)
        {
            return Skipped;
        }

        target.Parent = parent;
        return Done;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? Dispose(Operation operation)
    {
        if (Resolve(operation.Target) is not { } target)
        {
            return Skipped;
        }

        target.Dispose();
        return Done;
    }

    private object? Drop(Operation operation)
    {
        _slots[operation.Target] = null;
        return Done;
    }

    private static object? Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _ = Greenlet.Current;
        return Done;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private Greenlet? Resolve(int whom) => whom switch
    {
        Whom.Parent => Greenlet.Current.Parent,
        Whom.Self => Greenlet.Current,
        Whom.Main => _main,
        _ => _slots[whom],
    };

    private static Exception Create(int mishap) => mishap switch
    {
        0 => new GreenletExit(),
        < 0 => new NumberedExit(mishap),
        _ => new NumberedError(mishap),
    };

    private static string Name(Exception exception) => exception switch
    {
        NumberedExit exit => Mishap.Name(exit.Number),
        NumberedError error => Mishap.Name(error.Number),
        GreenletExit { Message: "Killing the greenlet because all references have vanished." } => "Exit vanished",
        GreenletExit => "Exit",
        GreenletException { Reason: GreenletError.CyclicParent } => "Cyclic",
        GreenletException => exception.Message,
        InvalidOperationException => "Invalid",
        _ => exception.ToString(),
    };

    private static string Text(object? value) => value switch
    {
        Exception exception => Name(exception),
        null => "null",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    private void OnUnobserved(object? sender, UnobservedGreenletExceptionEventArgs e)
    {
        bool isSwallowed = e.Exception is GreenletException { Reason: GreenletError.NotSupported };
        Log($"unobserved {e.Greenlet.Name} {(isSwallowed ? "swallowed" : Name(e.Exception))}");
    }

    private void Log(string what) => _log.Add($"{what}  [{string.Join(' ', _slots.Select(Describe))}]");

    private static string Describe(Greenlet? greenlet) => greenlet is null ? "-" : $"{greenlet.Name}{greenlet.State.ToString()[0]}<{ParentName(greenlet)}";

    private static string ParentName(Greenlet greenlet) => greenlet.Parent is { IsMain: true } ? "g0" : $"{greenlet.Parent?.Name}";

    private sealed class NumberedExit(int number) : GreenletExit
    {
        public int Number => number;
    }

    private sealed class NumberedError(int number) : Exception
    {
        public int Number => number;
    }
}
