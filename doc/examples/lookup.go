// SPDX-License-Identifier: ISC

// Ask appmsgd from Go: go run lookup.go KEY [HOST:PORT]
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

func lookup(address, key string) (string, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	content, _ := json.Marshal(map[string]string{"action": "search", "value": key})
	header, _ := json.Marshal(map[string]any{
		"byteorder": "little", "content-type": "text/json",
		"content-encoding": "utf-8", "content-length": len(content)})
	var request bytes.Buffer
	binary.Write(&request, binary.BigEndian, uint16(len(header)))
	request.Write(append(header, content...))
	if _, err := conn.Write(request.Bytes()); err != nil {
		return "", err
	}

	var size uint16
	if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
		return "", err
	}
	head := make([]byte, size)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	var reply struct {
		Length int64 `json:"content-length"`
	}
	if err := json.Unmarshal(head, &reply); err != nil {
		return "", err
	}
	var answer struct{ Result string }
	err = json.NewDecoder(io.LimitReader(conn, reply.Length)).Decode(&answer)
	return answer.Result, err
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "lookup KEY [HOST:PORT]")
		os.Exit(2)
	}
	address := "127.0.0.1:65432"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	answer, err := lookup(address, os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer)
}
