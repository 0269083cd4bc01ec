namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>Who can still end a wait.</summary>
internal enum Waker
{
    /// <summary>Nobody: that is certain.</summary>
    Nobody,

    /// <summary>Perhaps another thread, a timer or an asynchronous operation of which the library does not know.</summary>
    Unknown,

    /// <summary>Somebody of whom the library knows: a signal, a token, a time limit, another run or thread that has used
    /// the object.</summary>
    Known,
}
