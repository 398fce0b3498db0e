/// The version of both programs, as `--version`, the socket and the receivers see it.
package let hakaruVersion = "0.1.0"
