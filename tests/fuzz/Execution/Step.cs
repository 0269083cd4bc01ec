using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>An operation being carried out: what its frame needs to play what is inside, one part after the other.</summary>
internal sealed class Step(Player player, Operation operation, int stamp)
{
    private int _next;
    private int _nextOfHandler;

    public Player Player { get; } = player;

    public Operation Operation { get; } = operation;

    /// <summary>What the contents of the frame follow from.</summary>
    public int Stamp { get; } = stamp;

    /// <summary>Plays the next operation of the body; false if there is none left.</summary>
    public bool PlayNext() => Play(Operation.Body, ref _next);

    /// <summary>Plays the next operation of the handler; false if there is none left.</summary>
    public bool PlayNextOfHandler() => Play(Operation.Handler, ref _nextOfHandler);

    private bool Play(Operation[] operations, ref int next)
    {
        if (next == operations.Length)
        {
            return false;
        }

        Player.Play(operations[next++]);
        return true;
    }
}
