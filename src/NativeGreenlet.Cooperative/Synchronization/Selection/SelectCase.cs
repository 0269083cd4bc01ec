using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>One of the things that a <see cref="GreenSelect"/> waits for.</summary>
/// <remarks>First it is asked whether it is ready (<see cref="TryTake"/>, which takes at once). If none is, the wait is linked to each
/// (<see cref="TryLink"/>), and whoever ends it has set aside what it was ended for, which <see cref="TryRedeem"/> takes or
/// <see cref="HandOn"/> gives to another.</remarks>
internal abstract class SelectCase
{
    private WaitNode? _node;

    /// <summary>What it waits for.</summary>
    public abstract object Object { get; }

    /// <summary>Its place in the order in which they were added.</summary>
    public int Index { get; set; }

    /// <summary>Whether it takes part.</summary>
    public bool IsEnabled { get; set; } = true;

    /// <summary>Whether something outside all hubs can end the wait.</summary>
    public virtual bool IsExternal => false;

    /// <summary>The ticket of the current wait.</summary>
    public WaitNode Node => _node!;

    /// <summary>Whether this ended the wait, which is over. After <see cref="Unlink"/>: then who ended it has left the lock.</summary>
    public bool IsChosen => Node.SignalNumber != 0;

    /// <summary>Whether nothing may come any more.</summary>
    protected bool IsClosed { get; set; }

    /// <summary>Prepares a wait.</summary>
    public void Begin(Waiter waiter, WaitGroup group, long version)
    {
        if (_node is null || _node.Waiter != waiter || IsExternal)
        {
            _node = new WaitNode(waiter) { Group = group }; // one whose wake-up may come late is good for one wait only
        }

        _node.Version = version;
        _node.SignalNumber = 0;
        _node.IsRefused = false;
        _node.HasPromise = false;
    }

    /// <summary>Takes what is there now. Nothing is left if it throws.</summary>
    public abstract bool TryTake();

    /// <summary>Lets it end the wait; false, and nothing to undo, if it is ready.</summary>
    public abstract bool TryLink();

    /// <summary>Takes that back.</summary>
    public abstract void Unlink();

    /// <summary>It was chosen: takes what it was ended for. False if there is nothing after all.</summary>
    public virtual bool TryRedeem() => TryTake();

    /// <summary>It was chosen, and the wait failed: the next gets it.</summary>
    public virtual void HandOn()
    {
    }

    /// <summary>Calls what the user gave.</summary>
    public abstract void CallThen();

    /// <summary>Calls what the user gave for the end; without that, throws.</summary>
    protected void CallCompleted(Action? whenCompleted, Exception? error)
    {
        if (whenCompleted is null)
        {
            throw new ChannelClosedException($"Case {Index} of the select receives from {Object}, which is completed. Give Receive an action for that, whenCompleted, or disable the case.", error);
        }

        whenCompleted();
    }

    /// <summary>What one cannot send to.</summary>
    [DoesNotReturn]
    protected void ThrowClosed(Exception? error) =>
        throw new ChannelClosedException($"Case {Index} of the select sends to {Object}, which is completed; nothing more can be sent. Disable the case.", error);
}
