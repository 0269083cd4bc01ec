using Akka.Actor;

namespace NativeGreenlet.Akka.Execution;

/// <summary>A message with its handler.</summary>
/// <typeparam name="T">The type of the message.</typeparam>
internal sealed class GreenHandler<T>(GreenReceiveActor actor, ActorCell cell, Action<T> handler, T message) : GreenHandler(actor, cell)
{
    /// <inheritdoc />
    protected override void Handle() => handler(message);
}
