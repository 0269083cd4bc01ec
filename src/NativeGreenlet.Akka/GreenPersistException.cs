namespace NativeGreenlet.Akka;

/// <summary>An event of a <see cref="GreenPersistentActor"/> was not written, or its events could not be read.</summary>
/// <example><code>
/// sealed class Account : GreenPersistentActor
/// {
///     public Account() => ReceiveGreen&lt;int>(amount =>
///     {
///         try
///         {
///             Persist(amount);
///             Sender.Tell("written");
///         }
///         catch (GreenPersistException exception) when (exception.IsRejected)
///         {
///             Sender.Tell("refused"); // the journal cannot serialize it, say: nothing was written
///         }
///     });
///
///     public override string PersistenceId => Self.Path.Name;
/// }
/// </code></example>
public sealed class GreenPersistException : Exception
{
    internal GreenPersistException(string message, Exception? cause, bool isRejected)
        : base(message, cause) => IsRejected = isRejected;

    /// <summary>Gets a value indicating whether the journal has refused the event, so that it was certainly not written and the actor may go
    /// on. Else nobody knows: a restart of the actor reads what there is.</summary>
    public bool IsRejected { get; }
}
