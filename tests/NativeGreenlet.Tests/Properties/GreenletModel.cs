using System.Globalization;

namespace NativeGreenlet.Tests.Properties;

/// <summary>
/// Greenlet's rules as plain data: predicts everything that a <see cref="GreenletProgram"/> lets one see. Written from
/// the list of greenlet's behaviours (the numbers are its rows), not from the library: no stacks, no threads, no
/// exceptions here. A greenlet is a state, a parent and a list of frames; a frame is a place in a list of operations, or
/// something that an operation waits for.
/// </summary>
internal sealed class GreenletModel
{
    private readonly GreenletProgram _program;
    private readonly IReadOnlyList<int> _choices;
    private readonly List<(int Options, int Position)> _choicesMade = [];
    private readonly List<string> _log = [];
    private readonly List<Node> _nodes = [];
    private readonly Node?[] _slots = new Node?[GreenletProgram.Slots];
    private readonly List<Node> _toKill = [];
    private readonly Node _main;
    private Node _current;
    private Outcome? _arriving; // what the current greenlet's topmost frame receives; null if it goes on by itself
    private int _fuel = GreenletProgram.Fuel;
    private int _starts;

    private GreenletModel(GreenletProgram program, IReadOnlyList<int> choices)
    {
        _program = program;
        _choices = choices;
        _main = new Node { Number = GreenletProgram.MainNumber, State = GreenletState.Running };
        _nodes.Add(_main);
        _current = _main;
    }

    private enum Part
    {
        Main,
        Body,
        Finally,
        Handler,
    }

    private enum Step
    {
        Target,
        ResolveTarget,
        Other,
        ResolveOther,
        Use,
        Perform,
        Return,
    }

    /// <summary>What can be seen when the program runs.</summary>
    /// <param name="program">The program.</param>
    /// <param name="choices">Of several greenlets that became unreachable at once any may be killed first: which, at each
    /// such point.</param>
    public static Prediction Predict(GreenletProgram program, IReadOnlyList<int> choices)
    {
        GreenletModel model = new(program, choices);
        model.Run();
        return new Prediction(model._log, model._choicesMade, model._nodes.Count(node => node.IsActive && node != model._main));
    }

    private void Run()
    {
        _main.Frames.Push(new Sweep());
        _main.Frames.Push(new Block(_program.Main, Part.Main, null));
        while (_current != _main || _main.Frames.Count != 0)
        {
            Outcome? arrived = _arriving;
            _arriving = null;
            switch (_current.Frames.Peek())
            {
                case Block block:
                    Continue(block);
                    break;
                case Doing doing:
                    Continue(doing, arrived);
                    break;
                case Killing killing:
                    Restore(killing.Victim);
                    _ = _current.Frames.Pop();
                    _arriving = arrived;
                    break;
                case Drain drain:
                    Continue(drain, arrived);
                    break;
                case Sweep sweep:
                    Continue(sweep, arrived);
                    break;
            }
        }

        Note("end");
    }

    // A list of operations.
    private void Continue(Block block)
    {
        if (block.Next < block.Operations.Count)
        {
            Operation operation = block.Operations[block.Next++];
            if (_fuel > 0)
            {
                _fuel--;
                _current.Frames.Push(new Doing(operation));
            }

            return;
        }

        _ = _current.Frames.Pop();
        switch (block.Part)
        {
            case Part.Body:
                Body body = _current.Body!;
                BeginFinally(body.Fails ? Outcome.OfMishap(body.Ending) : Outcome.OfValue(body.Ending));
                break;

            case Part.Finally:
                End(block.Pending!);
                break;

            case Part.Main:
                _fuel = 0;
                break;
        }
    }

    private void BeginFinally(Outcome pending)
    {
        Note($"{_current} finally");
        _current.Frames.Push(new Block(_current.Body!.Finally, Part.Finally, pending));
    }

    // An error that no handler right around the operation catches.
    private void Unwind(Outcome error)
    {
        while (true)
        {
            Block block = (Block)_current.Frames.Peek();
            if (block.Part == Part.Main)
            {
                return; // the main greenlet catches everything
            }

            _ = _current.Frames.Pop();
            if (block.Part == Part.Body)
            {
                BeginFinally(error);
                return;
            }

            if (block.Part == Part.Finally)
            {
                End(error);
                return;
            }
        }
    }

    // One operation, from the naming of its operands to its outcome.
    private void Continue(Doing doing, Outcome? arrived)
    {
        Operation operation = doing.Operation;
        if (arrived?.Error is not null)
        {
            Complete(doing, arrived);
            return;
        }

        switch (doing.Step)
        {
            case Step.Target:
                doing.Step = Step.ResolveTarget;
                if (HasTarget(operation) && Whom.AsksForCurrent(operation.Target))
                {
                    UseLibrary();
                }

                break;

            case Step.ResolveTarget:
                doing.Step = Step.Other;
                if (HasTarget(operation))
                {
                    doing.Target = Resolve(operation.Target);
                    if (doing.Target is null)
                    {
                        Complete(doing, Outcome.Skipped);
                    }
                }

                break;

            case Step.Other:
                doing.Step = Step.ResolveOther;
                if (HasOther(operation) && Whom.AsksForCurrent(operation.Other))
                {
                    UseLibrary();
                }

                break;

            case Step.ResolveOther:
                doing.Step = Step.Use;
                if (HasOther(operation))
                {
                    doing.Other = Resolve(operation.Other);
                    if (doing.Other is null)
                    {
                        Complete(doing, Outcome.Skipped);
                    }
                }

                break;

            case Step.Use:
                doing.Step = Step.Perform;
                if (operation.Act == Act.Collect)
                {
                    FindUnreachable();
                }

                if (operation.Act is Act.Create or Act.Switch or Act.Throw or Act.Collect) // 6
                {
                    UseLibrary();
                }

                break;

            case Step.Perform:
                doing.Step = Step.Return;
                Perform(doing);
                break;

            case Step.Return when operation.Act == Act.Dispose:
                if (doing.Target!.State != GreenletState.Dead)
                {
                    Note($"unobserved {doing.Target} swallowed"); // 82
                }

                Complete(doing, Outcome.Done);
                break;

            default:
                Complete(doing, arrived!);
                break;
        }
    }

    private static bool HasTarget(Operation operation) => operation.Act is Act.Switch or Act.Throw or Act.Reparent or Act.Dispose;

    private static bool HasOther(Operation operation) =>
        operation.Act == Act.Reparent || (operation.Act == Act.Create && operation.Other != Whom.Nobody);

    private Node? Resolve(int whom) => whom switch
    {
        Whom.Parent => _current.Parent,
        Whom.Self or Whom.Nobody => _current,
        Whom.Main => _main,
        _ => _slots[whom],
    };

    private void Complete(Doing doing, Outcome outcome)
    {
        Note($"{_current} {doing.Operation.Act}: {outcome}");
        _ = _current.Frames.Pop();
        if (outcome.Error is null)
        {
            return;
        }

        if (doing.Operation.Handler is { } handler)
        {
            _current.Frames.Push(new Block(handler, Part.Handler, null));
        }
        else
        {
            Unwind(outcome);
        }
    }

    private void Perform(Doing doing)
    {
        Operation operation = doing.Operation;
        Node? target = doing.Target;
        switch (operation.Act)
        {
            case Act.Create: // 1, 2
                Node created = new()
                {
                    Number = _nodes.Count,
                    State = GreenletState.Unstarted,
                    Parent = doing.Other ?? _current,
                    Body = _program.Bodies[operation.Value],
                };
                _nodes.Add(created);
                _slots[operation.Target] = created;
                _arriving = Outcome.Done;
                break;

            case Act.Switch:
                Dispatch(target!, Outcome.OfValue(operation.Value));
                break;

            case Act.Throw:
                Dispatch(target!, Outcome.OfMishap(operation.Value));
                break;

            case Act.Raise:
                _arriving = Outcome.OfMishap(operation.Value);
                break;

            case Act.Reparent:
                _arriving = Reparent(target!, doing.Other!);
                break;

            case Act.Dispose when target == _main:
                _arriving = Outcome.Invalid;
                break;

            case Act.Dispose:
                switch (target!.State)
                {
                    case GreenletState.Suspended: // 81
                        Kill(target, Outcome.OfMishap(0));
                        return;

                    case GreenletState.Running:
                        _arriving = Outcome.OfMishap(0);
                        return;

                    default:
                        target.State = GreenletState.Dead;
                        doing.Step = Step.Return;
                        _arriving = Outcome.Done;
                        return;
                }

            case Act.Drop:
                _slots[operation.Target] = null;
                _arriving = Outcome.Done;
                break;

            default:
                _arriving = Outcome.Done;
                break;
        }
    }

    private Outcome Reparent(Node target, Node parent)
    {
        if (target == _main)
        {
            return Outcome.Invalid; // 63
        }

        HashSet<Node> lineage = [];
        for (Node? ancestor = parent; ancestor is not null; ancestor = ancestor.OwnParent ?? ancestor.Parent)
        {
            _ = lineage.Add(ancestor);
        }

        if (lineage.Contains(target))
        {
            return Outcome.Cyclic; // 60
        }

        target.Parent = parent; // 59, 66
        target.OwnParent = null;
        return Outcome.Done;
    }

    // A switch or a throw by the current greenlet.
    private void Dispatch(Node target, Outcome outcome)
    {
        if (target.State == GreenletState.Unstarted && outcome.Error is not null)
        {
            target.State = GreenletState.Dead; // 73: it never runs
        }

        if (target == _current)
        {
            _arriving = outcome; // 38, 74
            return;
        }

        if (target.State == GreenletState.Dead)
        {
            Dispatch(target.Parent!, outcome.ExitAsValue()); // 39, 40, 72
            return;
        }

        _current.State = GreenletState.Suspended;
        Enter(target, outcome);
    }

    private void Enter(Node target, Outcome outcome)
    {
        _current = target;
        if (target.State == GreenletState.Unstarted)
        {
            target.StartNumber = ++_starts;
            target.State = GreenletState.Running;
            target.Frames.Push(new Block(target.Body!.Operations, Part.Body, null));
            Note($"{target} begins with {outcome}"); // 33
        }
        else
        {
            target.State = GreenletState.Running;
            _arriving = outcome; // 34
        }
    }

    // The current greenlet has ended.
    private void End(Outcome outcome)
    {
        outcome = outcome.ExitAsValue() with { EndOf = _current }; // 68
        _current.State = GreenletState.Dead;
        Node heir = _current.Parent!; // 54, 55, 67
        while (heir.State == GreenletState.Dead || (heir.State == GreenletState.Unstarted && outcome.Error is not null))
        {
            heir.State = GreenletState.Dead; // 58
            heir = heir.Parent!;
        }

        Enter(heir, outcome); // 56
    }

    private void Kill(Node victim, Outcome exit)
    {
        _current.Frames.Push(new Killing(victim));
        victim.OwnParent ??= victim.Parent;
        victim.Parent = _current; // 81
        _current.State = GreenletState.Suspended;
        Enter(victim, exit);
    }

    // 81: the one who killed gives the parent back, unless the greenlet was given another meanwhile.
    private void Restore(Node victim)
    {
        if (victim.OwnParent is not null && victim.Parent == _current)
        {
            victim.Parent = victim.OwnParent;
            victim.OwnParent = null;
        }
    }

    // Drops every reference that only the program could follow: from the slots, what runs, what waits for an operation to
    // return, and the parents of all these and of everything suspended, whose stacks go on referring to them.
    private void FindUnreachable()
    {
        HashSet<Node> reachable = [];
        Stack<Node?> toVisit = new(_slots);
        toVisit.Push(_main);
        toVisit.Push(_current);
        foreach (Node waiting in _toKill)
        {
            toVisit.Push(waiting);
        }

        foreach (Node active in _nodes.Where(node => node.IsActive))
        {
            toVisit.Push(active.Parent);
            toVisit.Push(active.OwnParent);
            foreach (Frame frame in active.Frames)
            {
                foreach (Node? held in frame.Holds)
                {
                    toVisit.Push(held);
                }
            }
        }

        while (toVisit.TryPop(out Node? node))
        {
            if (node is not null && reachable.Add(node))
            {
                toVisit.Push(node.Parent);
                toVisit.Push(node.OwnParent);
            }
        }

        _toKill.AddRange(_nodes.Where(node => node.State == GreenletState.Suspended && !reachable.Contains(node))); // 71
    }

    // The owner's next use: it kills what waits to be killed (71, 84), unless it is itself just being killed so.
    private void UseLibrary()
    {
        if (_toKill.Count != 0 && !_current.IsVictim)
        {
            _current.Frames.Push(new Drain { Remaining = _toKill.Count });
        }
    }

    private void Continue(Drain drain, Outcome? arrived)
    {
        if (arrived is not null)
        {
            drain.Victim!.IsVictim = false;
            if (IsForKiller(drain.Victim, arrived))
            {
                _ = _current.Frames.Pop();
                _arriving = arrived;
                return;
            }

            NoteUnobserved(drain.Victim, arrived);
        }

        while (drain.Remaining > 0 && _toKill.Count > 0)
        {
            drain.Remaining--;
            int choice = 0;
            if (_toKill.Count > 1)
            {
                choice = _choicesMade.Count < _choices.Count ? _choices[_choicesMade.Count] : 0;
                _choicesMade.Add((_toKill.Count, _log.Count));
            }

            Node victim = _toKill[choice];
            _toKill.RemoveAt(choice);
            if (victim.State != GreenletState.Dead)
            {
                drain.Victim = victim;
                victim.IsVictim = true;
                Kill(victim, Outcome.Vanished);
                return;
            }
        }

        _ = _current.Frames.Pop();
    }

    // A greenlet that is being killed may switch away instead of ending: then an exception that its killer gets is not
    // its own, but one that somebody threw at the killer. So it is when the victim has ended meanwhile, at another's.
    private static bool IsForKiller(Node victim, Outcome arrived) => arrived.Error is not null && arrived.EndOf != victim;

    // The end of the program: everything that is still suspended is killed, the youngest first, more than once because
    // some survive it.
    private void Continue(Sweep sweep, Outcome? arrived)
    {
        if (arrived is not null && (sweep.Victim is null || IsForKiller(sweep.Victim, arrived)))
        {
            Note($"{_main} sweep: {arrived}");
            EndSweep(sweep);
            return;
        }

        if (sweep.Victim is { } victim)
        {
            NoteUnobserved(victim, arrived!);
            sweep.Below = victim.State == GreenletState.Dead ? sweep.Below : victim.StartNumber;
            sweep.Victim = null;
        }
        else if (_toKill.Count != 0)
        {
            UseLibrary();
            return;
        }

        Node? youngest = _nodes.Where(node => node.IsActive && node != _main && node.StartNumber < sweep.Below).MaxBy(node => node.StartNumber);
        if (youngest is null)
        {
            EndSweep(sweep);
            return;
        }

        sweep.Victim = youngest;
        Kill(youngest, Outcome.OfMishap(0));
    }

    private void EndSweep(Sweep sweep)
    {
        _ = _current.Frames.Pop();
        if (sweep.Number < GreenletProgram.Sweeps)
        {
            _current.Frames.Push(new Sweep { Number = sweep.Number + 1 });
        }
    }

    private void NoteUnobserved(Node victim, Outcome outcome)
    {
        if (outcome.Error is not null)
        {
            Note($"unobserved {victim} {outcome.Error}"); // 83
        }
        else if (victim.State != GreenletState.Dead)
        {
            Note($"unobserved {victim} swallowed"); // 82
        }
    }

    private void Note(string what) => _log.Add($"{what}  [{string.Join(' ', _slots.Select(Describe))}]");

    private static string Describe(Node? node) => node is null ? "-" : $"{node}{node.State.ToString()[0]}<{node.Parent}";

    /// <summary>What can be seen, at which points there was a choice, how many greenlets are left suspended.</summary>
    public sealed record Prediction(IReadOnlyList<string> Log, IReadOnlyList<(int Options, int Position)> Choices, int Survivors);

    // What arrives at a greenlet: a value or an error. Errors are told by their names.
    private sealed record Outcome(string? Value, string? Error)
    {
        public static readonly Outcome Done = new("done", null);
        public static readonly Outcome Skipped = new("skipped", null);
        public static readonly Outcome Cyclic = new(null, "Cyclic");
        public static readonly Outcome Invalid = new(null, "Invalid");
        public static readonly Outcome Vanished = new(null, "Exit vanished"); // 71

        public static Outcome OfValue(int value) => new(value.ToString(CultureInfo.InvariantCulture), null);

        public static Outcome OfMishap(int number) => new(null, Mishap.Name(number));

        /// <summary>Whose end it is that brings it.</summary>
        public Node? EndOf { get; init; }

        public Outcome ExitAsValue() => Error?.StartsWith("Exit", StringComparison.Ordinal) == true ? new Outcome(Error, null) : this;

        public override string ToString() => Error is null ? Value! : $"threw {Error}";
    }

    private sealed class Node
    {
        public required int Number { get; init; }

        public required GreenletState State { get; set; }

        public Node? Parent { get; set; }

        public Body? Body { get; init; }

        public int StartNumber { get; set; }

        /// <summary>Whether it is being killed because it was unreachable.</summary>
        public bool IsVictim { get; set; }

        /// <summary>While it is being killed: the parent that it gets back.</summary>
        public Node? OwnParent { get; set; }

        public Stack<Frame> Frames { get; } = new();

        public bool IsActive => State is GreenletState.Running or GreenletState.Suspended;

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"g{Number}");
    }

    private abstract class Frame
    {
        /// <summary>What the frame refers to besides what the stack of a greenlet always does.</summary>
        public virtual IEnumerable<Node?> Holds => [];
    }

    private sealed class Block(IReadOnlyList<Operation> operations, Part part, Outcome? pending) : Frame
    {
        public IReadOnlyList<Operation> Operations => operations;

        public Part Part => part;

        public Outcome? Pending => pending;

        public int Next { get; set; }
    }

    private sealed class Doing(Operation operation) : Frame
    {
        public Operation Operation => operation;

        public Step Step { get; set; }

        public Node? Target { get; set; }

        public Node? Other { get; set; }

        // A greenlet that switched away does not refer to whom it switched to.
        public override IEnumerable<Node?> Holds => Step == Step.Return && Operation.Act != Act.Dispose ? [] : [Target, Other];
    }

    private sealed class Killing(Node victim) : Frame
    {
        public Node Victim => victim;

        public override IEnumerable<Node?> Holds => [victim];
    }

    private sealed class Drain : Frame
    {
        public int Remaining { get; set; }

        public Node? Victim { get; set; }
    }

    private sealed class Sweep : Frame
    {
        public int Number { get; init; } = 1;

        public int Below { get; set; } = int.MaxValue;

        public Node? Victim { get; set; }
    }
}
