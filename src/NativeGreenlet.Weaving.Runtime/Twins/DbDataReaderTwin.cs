using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbDataReader"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbDataReader))]
[StackTraceHidden]
public static class DbDataReaderTwin
{
    public static bool Read(DbDataReader self) => Databases.CanPark(self) ? Databases.Run(self, self.ReadAsync) : self.Read();

    public static bool NextResult(DbDataReader self) => Databases.CanPark(self) ? Databases.Run(self, self.NextResultAsync) : self.NextResult();
}
