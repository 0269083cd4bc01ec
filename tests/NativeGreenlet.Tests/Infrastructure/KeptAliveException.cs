using Xunit.Sdk;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Something that should have been collected was not. A conservative collector may be excused, once:
/// <see cref="InOwnProcess"/>.</summary>
internal sealed class KeptAliveException(string what) : XunitException($"Not so after many collections: {what}");
