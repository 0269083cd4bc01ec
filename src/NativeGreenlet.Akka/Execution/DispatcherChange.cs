using System.Reflection;
using Akka.Actor;
using Akka.Dispatch;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Moves an actor from the default dispatcher to the hubs while it is made, as if its <see cref="Props"/> had said so. Akka keeps
/// the dispatcher in the actor's cell, asks the cell for it each time, and has no public way to change it.</summary>
internal sealed class DispatcherChange
{
    private static readonly Lazy<DispatcherChange?> s_instance = new(() => Find(typeof(ActorCell), typeof(MessageDispatcher)));

    private readonly Action<ActorCell, MessageDispatcher> _setDispatcher;
    private readonly Func<MessageDispatcher, long, long> _addInhabitants;

    private DispatcherChange(Action<ActorCell, MessageDispatcher> setDispatcher, Func<MessageDispatcher, long, long> addInhabitants)
    {
        _setDispatcher = setDispatcher;
        _addInhabitants = addInhabitants;
    }

    /// <summary>Gets the way to change it; null if this version of Akka keeps it differently.</summary>
    public static DispatcherChange? Instance => s_instance.Value;

    /// <summary>Looks for what has to be set.</summary>
    /// <param name="cell">The type of the cells.</param>
    /// <param name="dispatcher">The type of the dispatchers.</param>
    public static DispatcherChange? Find(Type cell, Type dispatcher)
    {
        MethodInfo? set = cell.GetProperty("Dispatcher", BindingFlags.Instance | BindingFlags.Public)?.GetSetMethod(nonPublic: true);
        MethodInfo? add = dispatcher.GetMethod("AddInhabitants", BindingFlags.Instance | BindingFlags.NonPublic, [typeof(long)]);
        try
        {
            return set is null || add is null ? null : new DispatcherChange(
                set.CreateDelegate<Action<ActorCell, MessageDispatcher>>(), add.CreateDelegate<Func<MessageDispatcher, long, long>>());
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Moves an actor. In its constructor.</summary>
    /// <returns>Whether it is on hubs now: not if somebody gave it a dispatcher.</returns>
    public bool TryMove(ActorCell cell)
    {
        MessageDispatcher before = cell.Dispatcher;
        if (before.Id != Dispatchers.DefaultDispatcherId)
        {
            return false;
        }

        MessageDispatcher hubs = GreenActors.UseHubs(cell.System).Dispatchers.Lookup(GreenActors.DispatcherId);
        _addInhabitants(hubs, 1); // one that has none shuts down
        _setDispatcher(cell, hubs);
        _addInhabitants(before, -1); // the actor that makes this one is there, or the guardian of the system
        return true;
    }
}
