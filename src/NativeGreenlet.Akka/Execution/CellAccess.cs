using System.Reflection;
using Akka.Actor;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Sets what Akka keeps of the current message in an actor's cell: its sender, and itself. A system message that is processed
/// while a handler waits changes both, and Akka has no public way to set them back.</summary>
internal sealed class CellAccess
{
    private static readonly Lazy<CellAccess> s_instance = new(() => Of(typeof(ActorCell)));

    private readonly Action<ActorCell, IActorRef?> _setSender;
    private readonly Action<ActorCell, object?> _setMessage;

    private CellAccess(Action<ActorCell, IActorRef?> setSender, Action<ActorCell, object?> setMessage)
    {
        _setSender = setSender;
        _setMessage = setMessage;
    }

    /// <summary>Gets the access, which is looked for once.</summary>
    /// <exception cref="NotSupportedException">This version of Akka keeps them differently.</exception>
    public static CellAccess Instance => s_instance.Value;

    /// <summary>Looks for what has to be set.</summary>
    /// <param name="cell">The type of the cells.</param>
    /// <exception cref="NotSupportedException">Something is not there.</exception>
    public static CellAccess Of(Type cell) =>
        new(Setter<Action<ActorCell, IActorRef?>>(cell, "Sender"), Setter<Action<ActorCell, object?>>(cell, "CurrentMessage"));

    /// <summary>Says that a type of Akka's is not as it was.</summary>
    public static NotSupportedException Refuse(Type type, string member, string mistake, Exception reason) => new(
        $"{type.FullName}.{member} of {type.Assembly.GetName().Name} {type.Assembly.GetName().Version} {mistake}. Use a version of Akka 1.5 that NativeGreenlet.Akka was tested with: {TestedVersion}.",
        reason);

    /// <summary>Makes a message and its sender those of the cell.</summary>
    public void Set(ActorCell cell, object? message, IActorRef? sender)
    {
        _setMessage(cell, message);
        _setSender(cell, sender);
    }

    /// <summary>Leaves the cell without a message, as Akka does between two.</summary>
    public void Clear(ActorCell cell) => _setMessage(cell, null);

    private static TDelegate Setter<TDelegate>(Type cell, string property)
        where TDelegate : Delegate
    {
        MethodInfo? setter = cell.GetProperty(property, BindingFlags.Instance | BindingFlags.Public)?.GetSetMethod(nonPublic: true);
        try
        {
            return (setter ?? throw new ArgumentException("There is none.")).CreateDelegate<TDelegate>();
        }
        catch (ArgumentException reason)
        {
            throw Refuse(cell, property, $"cannot be set, so an actor would have the wrong {property} after a wait", reason);
        }
    }

    private const string TestedVersion = "1.5.74";
}
